"""The claims of a mailing-list thread about UFFDIO_MOVE and mTHP (linux-mm, 20 February 2025), each measured."""

"""The collector: how ready pages get to their places while mutators run."""

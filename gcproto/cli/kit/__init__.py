"""What commands share: options and their types, groups, output, progress."""

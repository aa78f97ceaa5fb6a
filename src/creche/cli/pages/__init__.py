"""The pages that commands print, one module for each subject."""

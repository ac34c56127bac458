"""What programs for older versions of Keras use."""

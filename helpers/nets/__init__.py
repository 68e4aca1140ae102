"""Arrays to predictions: attention layers, one U-Net builder, encoders and the zoo of named networks.

Only `keras` and `keras.ops` are used here, so everything runs on TensorFlow, JAX and PyTorch alike.
"""

"""From ONNX to models: files, a function for each operator by family, and the model that runs them."""

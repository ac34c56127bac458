"""From graphs of dlnative's ops to ONNX: the graph that is written, and a converter for each op by family."""

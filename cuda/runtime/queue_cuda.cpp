// The queue on CUDA's runtime: a stream of its own, recordings as graphs.
#include "runtime/queue.h"

namespace dlnative::cuda {
namespace {

void check(cudaError_t error, const char* op) {
  if (error == cudaSuccess) return;
  throw Error(std::string("cuda: ") + op + ": " + cudaGetErrorString(error) + " (" + cudaGetErrorName(error) + ")");
}

}  // namespace

struct Recording::Kept {
  cudaGraphExec_t graph = nullptr;
  ~Kept() {
    if (graph != nullptr) cudaGraphExecDestroy(graph);
  }
};
Recording::Recording() = default;
Recording::Recording(Recording&&) noexcept = default;
Recording& Recording::operator=(Recording&&) noexcept = default;
Recording::~Recording() = default;

struct Queue::State {
  cudaStream_t stream = nullptr;
  cudaEvent_t begin = nullptr, end = nullptr;
  cudaEvent_t paces[2] = {};  // by turns
  int pace = 0;
  bool recording = false;
};

Queue::Queue() : state_(new State) {
  check(cudaStreamCreateWithFlags(&state_->stream, cudaStreamNonBlocking), "a new queue");
  check(cudaEventCreate(&state_->begin), "a new queue");
  check(cudaEventCreate(&state_->end), "a new queue");
  for (cudaEvent_t& pace : state_->paces) check(cudaEventCreateWithFlags(&pace, cudaEventDisableTiming), "a new queue");
}
Queue::~Queue() {
  cudaEventDestroy(state_->begin);
  cudaEventDestroy(state_->end);
  for (const cudaEvent_t pace : state_->paces) cudaEventDestroy(pace);
  cudaStreamDestroy(state_->stream);
}

void Queue::launch(const void* kernel, const Grid& grid, void** arguments) {
  constexpr std::size_t without_asking = 48 << 10;
  if (grid.shared_bytes > without_asking) {
    check(
        cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(grid.shared_bytes)),
        op);
  }
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(grid.blocks, grid.blocks_y, grid.blocks_z);
  config.blockDim = dim3(grid.threads);
  config.dynamicSmemBytes = grid.shared_bytes;
  config.stream = state_->stream;
  cudaLaunchAttribute attribute{};
  attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attribute.val.programmaticStreamSerializationAllowed = 1;
  config.attrs = &attribute;
  config.numAttrs = dependent && device().major >= 9 ? 1 : 0;
  check(cudaLaunchKernelExC(&config, kernel, arguments), op);
}

void Queue::copy(void* to, const void* from, std::size_t bytes) {
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, state_->stream), op);
}
void Queue::fill(void* to, int byte, std::size_t bytes) { check(cudaMemsetAsync(to, byte, bytes, state_->stream), op); }
void Queue::upload(void* to, const void* from, std::size_t bytes) {
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, state_->stream), "an upload");
  wait();
}
void Queue::download(void* to, const void* from, std::size_t bytes) {
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, state_->stream), "a download");
  wait();
}
void Queue::wait() { check(cudaStreamSynchronize(state_->stream), "what was enqueued before"); }
void Queue::pace() {
  check(cudaEventRecord(state_->paces[state_->pace], state_->stream), "a pace");
  state_->pace ^= 1;
  check(cudaEventSynchronize(state_->paces[state_->pace]), "what was enqueued before");
}

void Queue::wait_for_stream(std::uintptr_t stream) {
  // 1 and 2 are the default streams, of the process and of the thread, as in CUDA's own handles.
  check(cudaStreamSynchronize(reinterpret_cast<cudaStream_t>(stream)), "a wait for an array that is given");
}

void* Queue::stream() const { return state_->stream; }

void Queue::begin_recording() {
  check(cudaStreamBeginCapture(state_->stream, cudaStreamCaptureModeThreadLocal), "a recording");
  state_->recording = true;
}
Recording Queue::end_recording() {
  cudaGraph_t graph = nullptr;
  state_->recording = false;
  check(cudaStreamEndCapture(state_->stream, &graph), "a recording");
  Recording recording;
  recording.kept_ = std::make_unique<Recording::Kept>();
  const cudaError_t error = cudaGraphInstantiate(&recording.kept_->graph, graph, 0);
  cudaGraphDestroy(graph);
  check(error, "a recording");
  check(cudaGraphUpload(recording.kept_->graph, state_->stream), "a recording");
  return recording;
}
void Queue::drop_recording() {
  cudaGraph_t graph = nullptr;
  state_->recording = false;
  if (cudaStreamEndCapture(state_->stream, &graph) == cudaSuccess) cudaGraphDestroy(graph);
  cudaGetLastError();
}
void Queue::replay(const Recording& recording) {
  check(cudaGraphLaunch(recording.kept_->graph, state_->stream), "a replay");
}

void Queue::begin_timing() { check(cudaEventRecord(state_->begin, state_->stream), "a timing"); }
double Queue::end_timing() {
  check(cudaEventRecord(state_->end, state_->stream), "a timing");
  check(cudaEventSynchronize(state_->end), "a timing");
  float milliseconds = 0;
  check(cudaEventElapsedTime(&milliseconds, state_->begin, state_->end), "a timing");
  return static_cast<double>(milliseconds);
}

Memory::Memory(std::size_t bytes) : bytes_(bytes) {
  const cudaError_t error = cudaMalloc(&data_, bytes == 0 ? 1 : bytes);
  if (error == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    throw OutOfMemory(bytes);
  }
  check(error, "device memory");
}
Memory::~Memory() { cudaFree(data_); }

const Device& device() {
  static const Device found = [] {
    Device d;
    int number = 0;
    check(cudaGetDevice(&number), "the device");
    cudaDeviceProp properties{};
    check(cudaGetDeviceProperties(&properties, number), "the device");
    d.name = properties.name;
    d.multiprocessors = properties.multiProcessorCount;
    d.major = properties.major;
    d.minor = properties.minor;
    check(cudaDriverGetVersion(&d.driver), "the device");
    return d;
  }();
  return found;
}

}  // namespace dlnative::cuda

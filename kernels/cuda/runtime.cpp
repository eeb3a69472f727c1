// One card through the CUDA runtime: memory, the stream, and recorded graphs. The runtime is linked
// statically and looks for the driver when it is first called, so that the program starts on
// machines without either.
#include <cuda_runtime_api.h>

#include <cstring>
#include <list>

#include "kernels/cuda/check.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/machine.h"

namespace {

using cuda::check;

// Memory of the processor that the card reads by itself, used as a ring of parts: a part is filled
// again once the card has read it.
class Staging {
 public:
  static constexpr int kParts = 4;
  static constexpr int64_t kPartBytes = int64_t(2) << 20;

  explicit Staging(cudaStream_t stream) : stream_(stream) {
    check(cudaMallocHost(reinterpret_cast<void**>(&bytes_), kParts * kPartBytes),
          "taking pinned memory");
    for (cudaEvent_t& event : read_)
      check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "making an event");
  }
  ~Staging() {
    for (cudaEvent_t event : read_)
      if (event != nullptr) cudaEventDestroy(event);
    cudaFreeHost(bytes_);
  }
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  void write(unsigned char* to, const unsigned char* from, int64_t bytes) {
    while (bytes > 0) {
      if (used_ == kPartBytes) next_part();
      const int64_t count = std::min(bytes, kPartBytes - used_);
      unsigned char* staged = bytes_ + part_ * kPartBytes + used_;
      std::memcpy(staged, from, std::size_t(count));
      check(cudaMemcpyAsync(to, staged, std::size_t(count), cudaMemcpyHostToDevice, stream_),
            "writing memory");
      used_ += count, to += count, from += count, bytes -= count;
    }
  }

 private:
  void next_part() {
    check(cudaEventRecord(read_[part_], stream_), "recording an event");
    part_ = (part_ + 1) % kParts;
    used_ = 0;
    check(cudaEventSynchronize(read_[part_]), "waiting for a copy");  // at once if never recorded
  }

  cudaStream_t stream_;
  unsigned char* bytes_ = nullptr;
  cudaEvent_t read_[kParts] = {};
  int part_ = 0;
  int64_t used_ = 0;
};

// What was recorded under each key. The graph that was started longest ago makes room.
class Graphs {
 public:
  static constexpr std::size_t kMost = 64;

  ~Graphs() {
    for (const Graph& graph : graphs_) cudaGraphExecDestroy(graph.work);
  }

  bool start(uint64_t key, cudaStream_t stream) {
    for (auto graph = graphs_.begin(); graph != graphs_.end(); ++graph) {
      if (graph->key != key) continue;
      check(cudaGraphLaunch(graph->work, stream), "starting recorded work");
      graphs_.splice(graphs_.begin(), graphs_, graph);
      return true;
    }
    return false;
  }

  void keep(uint64_t key, cudaGraphExec_t work) {
    graphs_.remove_if([&](const Graph& graph) {
      if (graph.key == key) cudaGraphExecDestroy(graph.work);
      return graph.key == key;
    });
    if (graphs_.size() == kMost) {
      cudaGraphExecDestroy(graphs_.back().work);
      graphs_.pop_back();
    }
    graphs_.push_front({key, work});
  }

 private:
  struct Graph {
    uint64_t key = 0;
    cudaGraphExec_t work = nullptr;
  };
  std::list<Graph> graphs_;  // started last first
};

// A stream of the card, made for this thread's current device and destroyed with it.
class OwnedStream {
 public:
  OwnedStream() {
    check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream");
  }
  ~OwnedStream() { cudaStreamDestroy(stream_); }
  OwnedStream(const OwnedStream&) = delete;
  OwnedStream& operator=(const OwnedStream&) = delete;
  cudaStream_t get() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
};

int checked_device(int device) {
  check(cudaSetDevice(device), "choosing a card");
  cudaDeviceProp card;
  check(cudaGetDeviceProperties(&card, device), "asking what the card is");
  if (card.major < CudaDevice::kMajorLeast)
    throw Unsupported(std::string(card.name) + " has compute capability " +
                      std::to_string(card.major) + "." + std::to_string(card.minor) +
                      "; at least " + std::to_string(CudaDevice::kMajorLeast) + ".0 is needed");
  return device;
}

class Card final : public cuda::Machine, private Memory {
 public:
  explicit Card(int device) : device_(checked_device(device)), staging_(stream_.get()) {}
  ~Card() override {
    cudaSetDevice(device_);
    abandon_recording();
    cudaStreamSynchronize(stream_.get());
  }

  // The current device belongs to the thread, and any thread may call.
  cudaStream_t stream() override {
    check(cudaSetDevice(device_), "choosing the card");
    return stream_.get();
  }
  Memory& memory() override { return *this; }
  void finish() override {
    not_recorded();
    check(cudaStreamSynchronize(stream()), "waiting for the work");
  }

  bool replay(uint64_t key) override { return graphs_.start(key, stream()); }
  // What an exception left unfinished is forgotten.
  void begin_recording(uint64_t key) override {
    stream();
    abandon_recording();
    check(cudaStreamBeginCapture(stream_.get(), cudaStreamCaptureModeRelaxed),
          "beginning to record");  // relaxed: a kernel's first launch may load its code
    key_ = key;
    recording_ = true;
  }
  void end_recording() override {
    if (!recording_) throw std::logic_error("nothing is being recorded");
    recording_ = false;
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t work = nullptr;
    check(cudaStreamEndCapture(stream(), &graph), "ending a recording");
    const cudaError_t made = cudaGraphInstantiate(&work, graph, 0);
    cudaGraphDestroy(graph);
    check(made, "making recorded work ready");
    graphs_.keep(key_, work);
    graphs_.start(key_, stream_.get());
  }

 private:
  Reach reach() const override { return Reach::Device; }

  void* take(int64_t bytes) override {
    stream();
    void* memory = nullptr;
    const cudaError_t answer = cudaMalloc(&memory, std::size_t(std::max<int64_t>(bytes, 1)));
    if (answer == cudaErrorMemoryAllocation) {
      cudaGetLastError();
      std::size_t free = 0, total = 0;
      check(cudaMemGetInfo(&free, &total), "asking for free memory");
      throw OutOfMemory("the CUDA device gave no " + std::to_string(bytes) + " bytes: " +
                        std::to_string(free) + " of " + std::to_string(total) + " are free");
    }
    check(answer, "taking memory");
    return memory;
  }

  void give(void* memory) noexcept override {
    cudaSetDevice(device_);
    cudaFree(memory);  // waits for the work that uses it
  }

  void write(void* to, const void* from, int64_t bytes) override {
    not_recorded();
    stream();
    staging_.write(static_cast<unsigned char*>(to), static_cast<const unsigned char*>(from), bytes);
  }

  void read(void* to, const void* from, int64_t bytes) override {
    not_recorded();
    check(cudaMemcpyAsync(to, from, std::size_t(bytes), cudaMemcpyDeviceToHost, stream()),
          "reading memory");
    finish();
  }

  void copy(void* to, const void* from, int64_t bytes) override {
    check(cudaMemcpyAsync(to, from, std::size_t(bytes), cudaMemcpyDeviceToDevice, stream()),
          "copying memory");
  }

  void not_recorded() const {
    if (recording_) throw std::logic_error("what passes to or from the processor is not recorded");
  }

  void abandon_recording() {
    if (!recording_) return;
    recording_ = false;
    cudaGraph_t graph = nullptr;
    cudaStreamEndCapture(stream_.get(), &graph);
    if (graph != nullptr) cudaGraphDestroy(graph);
    cudaGetLastError();
  }

  int device_;
  OwnedStream stream_;
  Staging staging_;
  Graphs graphs_;
  uint64_t key_ = 0;
  bool recording_ = false;
};

// Without a driver the runtime speaks of one that is too old.
std::string why_no_card(cudaError_t answer) {
  int driver = 0;
  if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0)
    return "no NVIDIA driver is installed";
  return cudaGetErrorString(answer == cudaSuccess ? cudaErrorNoDevice : answer);
}

}  // namespace

std::vector<CudaDevice> cuda_devices(std::string* why_none) {
  int count = 0;
  const cudaError_t answer = cudaGetDeviceCount(&count);
  if (answer != cudaSuccess || count == 0) {
    cudaGetLastError();
    if (why_none != nullptr) *why_none = why_no_card(answer);
    return {};
  }
  std::vector<CudaDevice> devices;
  for (int i = 0; i < count; ++i) {
    cudaDeviceProp card;
    check(cudaGetDeviceProperties(&card, i), "asking what a card is");
    CudaDevice device;
    device.name = card.name;
    device.major = card.major;
    device.minor = card.minor;
    device.bytes = int64_t(card.totalGlobalMem);
    std::size_t free = 0, total = 0;
    if (cudaSetDevice(i) == cudaSuccess && cudaMemGetInfo(&free, &total) == cudaSuccess)
      device.bytes_free = int64_t(free);
    cudaDriverGetVersion(&device.driver_version);
    cudaRuntimeGetVersion(&device.runtime_version);
    devices.push_back(device);
  }
  cudaGetLastError();
  return devices;
}

std::unique_ptr<Kernels> cuda_kernels(int device) {
  return cuda::kernels_on(std::make_unique<Card>(device));
}

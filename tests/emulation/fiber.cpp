#include "tests/emulation/fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

// Saves the registers that a function must keep, changes stacks, and takes up those saved there.
// ucontext does the same with two system calls, a hundred times slower; a launch switches millions
// of times.
#if defined(__x86_64__)
extern "C" void emulation_switch(void** left, void* entered);
asm(R"(
.text
.globl emulation_switch
.type emulation_switch, @function
emulation_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size emulation_switch, .-emulation_switch
)");
#elif defined(__aarch64__)
extern "C" void emulation_switch(void** left, void* entered);
asm(R"(
.text
.globl emulation_switch
.type emulation_switch, %function
emulation_switch:
  sub sp, sp, #160
  stp x19, x20, [sp]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
.size emulation_switch, .-emulation_switch
)");
#else
#error "the emulation of blocks and threads knows how to change stacks on x86-64 and AArch64 only"
#endif

namespace emulation {

namespace {
constexpr std::size_t kGuardBytes = 4096;  // where a stack that is too deep faults
thread_local Fiber* running = nullptr;
}  // namespace

Fiber::Fiber(void (*main)(void*), void* argument) : main_(main), argument_(argument) {
  void* memory = mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  stack_ = static_cast<unsigned char*>(memory);
  mprotect(stack_, kGuardBytes, PROT_NONE);
#ifdef __SANITIZE_THREAD__
  thread_fiber_ = __tsan_create_fiber(0);
#endif
  prepare();
}

Fiber::~Fiber() {
#ifdef __SANITIZE_THREAD__
  __tsan_destroy_fiber(thread_fiber_);
#endif
#ifdef __SANITIZE_ADDRESS__
  __asan_unpoison_memory_region(stack_, kStackBytes);
#endif
  munmap(stack_, kStackBytes);
}

void Fiber::prepare() {
  uintptr_t* top = reinterpret_cast<uintptr_t*>(stack_ + kStackBytes);
#if defined(__x86_64__)
  top -= 2;  // at its entry a function finds the stack 8 bytes past a multiple of 16
  top[0] = reinterpret_cast<uintptr_t>(&Fiber::enter);
  top[1] = 0;  // enter() never returns
  top -= 6;
  for (int i = 0; i < 6; ++i) top[i] = 0;
#else
  top -= 20;
  for (int i = 0; i < 20; ++i) top[i] = 0;
  top[11] = reinterpret_cast<uintptr_t>(&Fiber::enter);  // x30
#endif
  own_ = top;
}

void Fiber::switch_in() {
#ifdef __SANITIZE_THREAD__
  thread_caller_ = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(thread_fiber_, 0);
#endif
#ifdef __SANITIZE_ADDRESS__
  void* fake_stack = nullptr;
  __sanitizer_start_switch_fiber(&fake_stack, stack_, kStackBytes);
#endif
  emulation_switch(&caller_, own_);
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
#endif
}

void Fiber::switch_out() {
#ifdef __SANITIZE_THREAD__
  __tsan_switch_to_fiber(thread_caller_, 0);
#endif
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_start_switch_fiber(&fake_stack_, caller_stack_, caller_bytes_);
#endif
  emulation_switch(&own_, caller_);
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(fake_stack_, &caller_stack_, &caller_bytes_);
#endif
}

void Fiber::enter() {
  Fiber* self = running;
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(nullptr, &self->caller_stack_, &self->caller_bytes_);
#endif
  for (;;) {
    self->main_(self->argument_);
    self->switch_out();
  }
}

void Fiber::resume() {
  running = this;
  switch_in();
  running = nullptr;
}

void Fiber::suspend() { running->switch_out(); }

}  // namespace emulation

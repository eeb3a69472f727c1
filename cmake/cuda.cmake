# The kernels for NVIDIA cards, where a compiler for them is found; else functions that say that
# there are none. The runtime is linked statically and loads the driver when it is first asked, so
# that the program starts where there is neither.
set(cuda_version_least 12.4)
if(WITH_CUDA)
  if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
    find_program(NVCC nvcc HINTS $ENV{CUDA_HOME}/bin /usr/local/cuda/bin)
    if(NVCC)
      set(ENV{CUDACXX} ${NVCC})  # and not the variable: check_language would take its word for it
    endif()
  endif()
  set(CMAKE_CUDA_ARCHITECTURES 90a-real 90-virtual)  # Hopper; newer ones compile it when they load it
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    enable_language(CUDA)
  endif()
  if(CMAKE_CUDA_COMPILER AND CMAKE_CUDA_COMPILER_VERSION VERSION_GREATER_EQUAL cuda_version_least)
    set(cuda_found ON)
  elseif(NOT WITH_CUDA STREQUAL AUTO)
    message(FATAL_ERROR "WITH_CUDA asks for a CUDA compiler, at least ${cuda_version_least}")
  endif()
endif()

if(cuda_found)
  message(STATUS "CUDA kernels: ${CMAKE_CUDA_COMPILER} ${CMAKE_CUDA_COMPILER_VERSION}")
  find_package(CUDAToolkit REQUIRED)
  file(GLOB cuda_kernels CONFIGURE_DEPENDS kernels/cuda/*.cu)
  if(NOT DEFINED CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake 3.25.1 does not know that nvcc has it
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
    set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
  endif()
  add_library(kernels_cuda OBJECT ${cuda_kernels})
  target_include_directories(kernels_cuda PRIVATE ${PROJECT_SOURCE_DIR})
  # Products and sums are fused where the source says so. -Wpedantic and -Wconversion do not bear
  # what nvcc makes of a source; the emulated build has them.
  set_target_properties(kernels_cuda PROPERTIES CUDA_STANDARD 20)
  target_compile_options(kernels_cuda PRIVATE --expt-relaxed-constexpr --fmad=false
    --Werror=all-warnings -DNDEBUG -Xcompiler=-Wall,-Wextra,-Wshadow)
  if(CCACHE)
    set_target_properties(kernels_cuda PROPERTIES CUDA_COMPILER_LAUNCHER ${CCACHE})
  endif()
  target_sources(kernels PRIVATE $<TARGET_OBJECTS:kernels_cuda> kernels/cuda/cuda_kernels.cpp
    kernels/cuda/check.cpp kernels/cuda/runtime.cpp)
  target_link_libraries(kernels PRIVATE CUDA::cudart_static)
else()
  message(STATUS "CUDA kernels: none")
  target_sources(kernels PRIVATE kernels/cuda/absent.cpp)
endif()

#pragma once

namespace engine {

// What samples are for; lanes are served alike, however many wait in each.
enum class Lane { Generate, Verify, MetaVerify };
inline constexpr int kLanes = 3;

}  // namespace engine

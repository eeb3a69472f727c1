#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pipeline/remote_config.h"

namespace pipeline {

// The body of a chat request, in two pieces. The votes on one prompt differ in nothing but their
// seeds: all else is written once and shared by thousands of calls, and the seed stands last, in a
// small piece of each call's own.
struct ChatBody {
  std::shared_ptr<const std::string> shared;
  std::string end;  // the seed and the closing brace; empty if extra_body settles the seed
};

// The whole of it in one piece.
// REQUIRES: check_endpoint has passed.
std::string chat_body(const Endpoint& endpoint, std::string_view model, const ChatRequest& request);

// The shared pieces that somebody still holds; nothing is kept for its own sake.
// Used on one thread; that the pieces are let go on another does no harm.
class ChatBodies {
 public:
  // Records of pieces that nobody holds any more are swept out when there are as many of them as
  // of pieces in use, and so many more.
  static constexpr std::size_t kDeadMax = 64;

  // Requests with the same prompt object (not one that is equal), endpoint, model and sampling
  // share. `endpoint` is known by its address: it neither moves nor changes.
  // REQUIRES: check_endpoint has passed.
  ChatBody body(const Endpoint& endpoint, std::string_view model, const ChatRequest& request);

  std::size_t records() const { return records_.size(); }

 private:
  struct Piece;
  struct Record {
    const Endpoint* endpoint = nullptr;
    std::string model;
    Sampling sampling;
    std::weak_ptr<const Piece> piece;
  };
  std::shared_ptr<const Piece> piece_for(const Endpoint& endpoint, std::string_view model,
                                         const ChatRequest& request);
  void sweep();

  // By the address of the prompt. A piece holds its prompt, so while the piece lives, no other
  // prompt can have that address.
  std::unordered_multimap<const void*, Record> records_;
  std::size_t sweep_at_ = kDeadMax;
};

}  // namespace pipeline

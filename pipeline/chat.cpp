#include "pipeline/chat.h"

namespace pipeline {

std::string_view to_text(Role role) {
  switch (role) {
    case Role::Generator:
      return "generator";
    case Role::Verifier:
      return "verifier";
    case Role::MetaVerifier:
      return "meta_verifier";
  }
  return "generator";
}

}  // namespace pipeline

#include "model/inspect.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/model/published_configs.h"
#include "tests/model/tiny_checkpoint.h"

using model::Inspection;

namespace {

std::string line(const Inspection& inspection, const std::string& name) {
  const auto at = std::ranges::find(inspection.architecture, name, &Inspection::Line::name);
  return at == inspection.architecture.end() ? "none" : at->text;
}

// Of a directory with this config.json and nothing in its checkpoint.
Inspection of_config(const std::string& config) {
  const tiny::Directory directory;
  directory.write("config.json", config);
  directory.write("model.safetensors", tiny::safetensors({}));
  return model::inspect(directory.path(), {});
}

}  // namespace

TEST_SUITE("model/inspect") {
  TEST_CASE("DeepSeek-V3.2 is told in words") {
    const Inspection i = of_config(published::kDeepseekV32);
    CHECK(line(i, "family") == "deepseek_v32");
    CHECK(line(i, "size") == "61 layers, hidden size 7168, 129280 tokens");
    CHECK(line(i, "attention") ==
          "latent of 512 and a rotary key of 64; 128 heads of 128 + 64, values of 128; queries "
          "through 1536");
    CHECK(line(i, "sparse attention") ==
          "an indexer of 64 heads of 128 chooses 2048 tokens; rotary pairs half-split");
    CHECK(line(i, "experts") ==
          "256 of 2048 in 58 of 61 layers, 8 chosen, 1 shared; the other layers have one MLP of "
          "18432");
    CHECK(
        line(i, "router") ==
        "sigmoid with a bias for choosing, 4 of 8 groups by their best two, normalised, times 2.5");
    CHECK(line(i, "positions") ==
          "163840, rotary base 10000, stretched 40 times from 4096 by YaRN (mscale 1, for all dims "
          "1)");
    CHECK(line(i, "multi-token prediction") == "layers after the last: 1, not run");
    CHECK(i.config.prompt_family == "default");
  }

  TEST_CASE("Moonlight has no index, no groups and no query latent") {
    const Inspection i = of_config(published::kMoonlight);
    CHECK(line(i, "sparse attention") == "none: every token attends to all before it");
    CHECK(line(i, "router") == "sigmoid with a bias for choosing, normalised, times 2.446");
    CHECK(line(i, "attention").ends_with("queries straight from the hidden state"));
    CHECK(line(i, "multi-token prediction") == "none");
  }

  TEST_CASE("tensors are counted by type, and a whole model has no fault") {
    const tiny::Directory directory;
    tiny::write(directory.path(), {.storage = tiny::Storage::Float8});
    const Inspection i = model::inspect(directory.path(), {});
    REQUIRE(i.stored.size() == 3);
    CHECK(i.stored[0].type == "BF16");
    CHECK(i.stored[0].tensors == 2 + 2 + 3);  // embedding and head, routers, weights_proj
    CHECK(i.stored[1].type == "F32");
    CHECK(i.stored[2].type == "F8_E4M3");
    CHECK(i.stored[0].bytes + i.stored[1].bytes + i.stored[2].bytes == i.bytes);
    CHECK(i.faults.empty());
    CHECK(i.unknown.empty());
    CHECK(i.identity.size() == 64);
    REQUIRE(i.needs.size() == 3);
    CHECK(i.needs[0].memory.converted_bytes == 0);
    CHECK(i.needs[1].memory.converted_bytes > i.needs[2].memory.converted_bytes);
    CHECK(i.needs[2].memory.cache_bytes_per_token == 3 * (32 + 8 + 16) * 2);
  }

  TEST_CASE("the layer of multi-token prediction is recognised, other tensors are unknown") {
    const tiny::Checkpoint what = {.config = {{"num_nextn_predict_layers", "1"}}};
    auto tensors = tiny::tensors(what);
    tensors.push_back({"model.layers.3.eh_proj.weight", "BF16", {1}, "xx"});
    tensors.push_back({"model.layers.4.eh_proj.weight", "BF16", {1}, "xx"});
    for (std::size_t i = 0; i < model::kFaultsMax; ++i)
      tensors.push_back({"extra." + std::to_string(i), "I64", {0}, ""});
    const tiny::Directory directory;
    tiny::write(directory.path(), what, tensors);
    const Inspection i = model::inspect(directory.path(), {});
    CHECK(i.mtp_tensors == 1);
    CHECK(i.unknown.size() == model::kFaultsMax);
    CHECK(i.unknown_more == 1);
    CHECK(i.faults.empty());
  }

  TEST_CASE("faults are listed, and files that are never run are not looked into") {
    const tiny::Directory directory;
    auto tensors = tiny::tensors({});
    tensors.pop_back();
    tiny::write(directory.path(), {}, tensors);
    directory.write("tokenizer.json", "{}");
    directory.write("modeling_deepseek.py", "raise SystemExit");
    directory.write("pytorch_model.bin", "\x80\x02");
    const Inspection i = model::inspect(directory.path(), {});
    REQUIRE(i.faults.size() == 1);
    CHECK(i.tokenizer == Inspection::File::There);
  }
}

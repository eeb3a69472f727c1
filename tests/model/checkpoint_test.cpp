#include "model/checkpoint.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <fstream>

#include "tests/model/tiny_checkpoint.h"

using model::Checkpoint;
using model::parse_safetensors_header;
using model::parse_safetensors_index;

namespace {

// What is refused about a header in front of so many bytes.
std::string refusal(const std::string& json, uint64_t data_bytes) {
  try {
    parse_safetensors_header(json, 8 + json.size() + data_bytes, "f");
  } catch (const model::Refused& refused) {
    return refused.what();
  }
  return "nothing";
}

std::string one(const std::string& fields) { return R"({"a":{)" + fields + "}}"; }

std::string entry(const std::string& name, uint64_t begin, uint64_t end) {
  return fmt::format(R"("{}":{{"dtype":"U8","shape":[{}],"data_offsets":[{},{}]}})", name,
                     end - begin, begin, end);
}

std::string index_refusal(const std::string& json) {
  try {
    parse_safetensors_index(json, "index");
  } catch (const model::Refused& refused) {
    return refused.what();
  }
  return "nothing";
}

std::string open_refusal(const tiny::Directory& directory) {
  try {
    Checkpoint::open(directory.path());
  } catch (const model::Refused& refused) {
    return refused.what();
  }
  return "nothing";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string length(uint64_t number) {
  std::string bytes;
  for (int byte = 0; byte < 8; ++byte) bytes += char(number >> (8 * byte) & 0xFF);
  return bytes;
}

}  // namespace

TEST_SUITE("model/safetensors_header") {
  TEST_CASE("tensors come out in the order of their bytes") {
    const std::string json =
        R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2,3],"data_offsets":[4,28]},)"
        R"("a":{"data_offsets":[0,4],"dtype":"BF16","shape":[2]}}   )";
    const auto entries = parse_safetensors_header(json, 8 + json.size() + 28, "f");
    REQUIRE(entries.size() == 2);
    CHECK(entries[0].name == "a");
    CHECK(entries[1].shape == std::vector<int64_t>{2, 3});
    CHECK(entries[1].begin == 4);
    CHECK(entries[1].end == 28);
  }

  TEST_CASE("no tensors, scalars and empty tensors are right") {
    CHECK(refusal("{}", 0) == "nothing");
    CHECK(refusal(one(R"("dtype":"F32","shape":[],"data_offsets":[0,4])"), 4) == "nothing");
    CHECK(refusal(one(R"("dtype":"F32","shape":[0,7],"data_offsets":[0,0])"), 0) == "nothing");
  }

  TEST_CASE("a header that is no JSON object is refused") {
    CHECK(refusal("", 0) == "f: the header is not a JSON object");
    CHECK(refusal("[]", 0) == "f: the header is not a JSON object");
    CHECK(refusal(" {}", 0) == "f: the header is not a JSON object");
    CHECK(refusal("{\"a\"", 0) == "f: the header is not JSON at its byte 5");
    CHECK(contains(refusal("{} {}", 0), "is not JSON"));
    CHECK(contains(refusal("{\"\xC3\x28\":1}", 0), "is not JSON"));
    CHECK(contains(refusal("{\"" + std::string(100000, '['), 0), "is not JSON"));
    CHECK(contains(refusal("{\"a\":" + std::string(100000, '['), 0), "a list where the format"));
  }

  TEST_CASE("nothing can be hidden behind a NUL") {
    CHECK(contains(refusal(std::string("{}\0 hidden", 10), 0), "not a JSON object"));
  }

  TEST_CASE("fields are dtype, shape and data_offsets, each once and of its kind") {
    const std::string type = R"("dtype":"U8")", shape = R"("shape":[1])",
                      offsets = R"("data_offsets":[0,1])";
    CHECK(refusal(one(type + "," + shape + "," + offsets), 1) == "nothing");
    CHECK(contains(refusal(one(shape + "," + offsets), 1), "lacks its dtype"));
    CHECK(contains(refusal(one(type + "," + offsets), 1), "lacks its dtype"));
    CHECK(contains(refusal(one(type + "," + type), 1), "the field dtype twice"));
    CHECK(contains(refusal(one(type + R"(,"x":1)"), 1), "a field \"x\""));
    CHECK(contains(refusal(one(R"("dtype":7)"), 1), "a number where"));
    CHECK(contains(refusal(one(R"("dtype":"F7")"), 1), "the type \"F7\""));
    CHECK(contains(refusal(one(R"("shape":"1")"), 1), "a text where"));
    CHECK(contains(refusal(one(R"("shape":[[1]])"), 1), "a list where"));
    CHECK(contains(refusal(one(R"("shape":[-1])"), 1), "a negative number where"));
    CHECK(contains(refusal(one(R"("shape":[1.0])"), 1), "a broken number where"));
    CHECK(contains(refusal(one(R"("shape":[18446744073709551616])"), 1), "a broken number where"));
    CHECK(contains(refusal(one(R"("shape":[1,1,1,1,1,1,1,1,1])"), 1), "more than 8 dimensions"));
    CHECK(contains(refusal(one(R"("data_offsets":[0,1,2])"), 1), "more than two data_offsets"));
    CHECK(contains(refusal(one(type + "," + shape + R"(,"data_offsets":[0])"), 1), "lacks its"));
    CHECK(contains(refusal(R"({"a":null})", 0), "null where"));
    CHECK(contains(refusal(R"({"__metadata__":{"a":1}})", 0), "a number where"));
    CHECK(contains(refusal(R"({"__metadata__":{},"__metadata__":{}})", 0), "twice"));
  }

  TEST_CASE("bytes follow from type and shape, whatever is claimed") {
    CHECK(refusal(one(R"("dtype":"F32","shape":[2],"data_offsets":[0,4])"), 4) ==
          "f: tensor \"a\" lies at bytes 0 to 4, but type and shape make 8 bytes");
    CHECK(contains(refusal(one(R"("dtype":"U8","shape":[1],"data_offsets":[1,0])"), 1), "make 1"));
    CHECK(contains(refusal(one(R"("dtype":"F32","shape":[4294967296,4294967296],)"
                               R"("data_offsets":[0,0])"),
                           0),
                   "beyond all bounds"));
    CHECK(contains(refusal(one(R"("dtype":"F64","shape":[9223372036854775807],)"
                               R"("data_offsets":[0,0])"),
                           0),
                   "beyond all bounds"));
  }

  TEST_CASE("every byte belongs to one tensor") {
    const auto two = [](const std::string& a, const std::string& b) {
      return "{" + a + "," + b + "}";
    };
    CHECK(refusal(two(entry("a", 0, 4), entry("b", 4, 8)), 8) == "nothing");
    CHECK(refusal(two(entry("a", 0, 4), entry("b", 2, 6)), 6) ==
          "f: tensor \"b\" begins at byte 2, but the one before ends at 4");
    CHECK(contains(refusal(two(entry("a", 0, 4), entry("b", 5, 8)), 8), "ends at 4"));
    CHECK(contains(refusal(two(entry("a", 0, 4), entry("b", 0, 4)), 4), "ends at 4"));
    CHECK(contains(refusal(two(entry("a", 1, 4), entry("b", 4, 8)), 8), "ends at 0"));
    CHECK(contains(refusal(two(entry("a", 0, 4), entry("b", 4, 8)), 9), "9 bytes of tensors"));
    CHECK(contains(refusal(two(entry("a", 0, 4), entry("b", 4, 8)), 7), "7 bytes of tensors"));
  }

  TEST_CASE("a name that stands twice is refused") {
    CHECK(refusal("{" + entry("a", 0, 1) + "," + entry("a", 1, 2) + "}", 2) ==
          "f has the tensor \"a\" twice");
  }

  TEST_CASE("names and numbers of tensors are limited") {
    const std::string long_name(Checkpoint::kNameBytesMax + 1, 'n');
    CHECK(refusal("{" + entry(long_name.substr(1), 0, 1) + "}", 1) == "nothing");
    CHECK(contains(refusal("{" + entry(long_name, 0, 1) + "}", 1), "longer than 512 bytes"));
    std::string json = "{";
    for (std::size_t i = 0; i <= Checkpoint::kTensorsMax; ++i)
      json += fmt::format("{}{}", i == 0 ? "" : ",", entry(std::to_string(i), 0, 0));
    CHECK(refusal(json + "}", 0) == "f has more than 262144 tensors");
  }

  TEST_CASE("strange names are shown short and on one line") {
    CHECK(refusal("{" + entry(std::string(300, 'x') + "\\n", 1, 2) + "}", 2) ==
          "f: tensor \"" + std::string(120, 'x') +
              "...\" begins at byte 1, but the one before ends "
              "at 0");
    CHECK(contains(refusal("{" + entry("a\\nb", 1, 2) + "}", 2), "\"a?b\""));
  }
}

TEST_SUITE("model/safetensors_index") {
  TEST_CASE("shards are numbered as they come") {
    const auto index = parse_safetensors_index(
        R"({"metadata":{"total_size":12,"more":[1,{}]},)"
        R"("weight_map":{"b":"2.safetensors","a":"1.safetensors","c":"2.safetensors"}})",
        "index");
    CHECK(index.shards == std::vector<std::string>{"2.safetensors", "1.safetensors"});
    REQUIRE(index.tensors.size() == 3);
    CHECK(index.tensors[0] == std::pair<std::string, uint32_t>{"a", 1});
    CHECK(index.tensors[2] == std::pair<std::string, uint32_t>{"c", 0});
  }

  TEST_CASE("only plain names of files in the directory are taken") {
    for (const char* name :
         {"../x.safetensors", "/etc/x.safetensors", "a/b.safetensors", ".safetensors",
          ".x.safetensors", "x.bin", "", "..", "x\\\\y.safetensors", "x\\u0000.safetensors"}) {
      CAPTURE(name);
      CHECK(contains(index_refusal(fmt::format(R"({{"weight_map":{{"a":"{}"}}}})", name)),
                     "*.safetensors file in the same directory"));
    }
  }

  TEST_CASE("an index that is no index is refused") {
    CHECK(contains(index_refusal(""), "not JSON"));
    CHECK(index_refusal("{}") == "index has no weight_map");
    CHECK(contains(index_refusal(R"({"weight_map":{"a":1}})"), "something else than names"));
    CHECK(contains(index_refusal(R"({"weight_map":["a"]})"), "something else than names"));
    CHECK(contains(index_refusal(R"({"weight_map":"a"})"), "something else than names"));
    CHECK(contains(index_refusal(R"({"weight_map":{"a":{"b":"1.safetensors"}}})"),
                   "something else than names"));
    CHECK(contains(index_refusal(R"({"weight_map":{},"weight_map":{}})"), "weight_map twice"));
    CHECK(contains(index_refusal(R"({"weight_map":{"a":"1.safetensors","a":"2.safetensors"}})"),
                   "names the tensor \"a\" twice"));
    CHECK(contains(index_refusal("{\"metadata\":" + std::string(100, '[')), "deeper than 32"));
  }

  TEST_CASE("names of tensors and shards are limited in number") {
    std::string map;
    for (std::size_t i = 0; i <= Checkpoint::kShardsMax; ++i)
      map += fmt::format(R"({}"t{}":"{}.safetensors")", i == 0 ? "" : ",", i, i);
    CHECK(index_refusal("{\"weight_map\":{" + map + "}}") == "index names more than 4096 files");
    map.clear();
    for (std::size_t i = 0; i <= Checkpoint::kTensorsMax; ++i)
      map += fmt::format(R"({}"{}":"1.safetensors")", i == 0 ? "" : ",", i);
    CHECK(index_refusal("{\"weight_map\":{" + map + "}}") ==
          "index names more than 262144 tensors");
  }
}

TEST_SUITE("model/checkpoint") {
  TEST_CASE("one file or several, the same tensors are found") {
    const tiny::Directory whole, sharded;
    tiny::write(whole.path(), {});
    tiny::write(sharded.path(), {.shards = 3});
    const auto a = Checkpoint::open(whole.path()), b = Checkpoint::open(sharded.path());
    REQUIRE(a->tensors().size() == tiny::tensors({}).size());
    CHECK(a->bytes() == b->bytes());
    for (const auto& [name, tensor] : a->tensors()) {
      const model::StoredTensor* other = b->find(name);
      REQUIRE(other);
      CHECK(other->shape == tensor.shape);
      CHECK(std::ranges::equal(other->bytes, tensor.bytes));
    }
    CHECK(a->find("model.norm.weigh") == nullptr);
    CHECK(a->find("model.norm.weight")->file == "model.safetensors");
  }

  TEST_CASE("a directory needs one of the two, and not both") {
    const tiny::Directory directory;
    CHECK(contains(open_refusal(directory), "has neither model.safetensors nor"));
    tiny::write(directory.path(), {});
    tiny::write(directory.path(), {.shards = 2});
    CHECK(contains(open_refusal(directory), "has both model.safetensors and"));
  }

  TEST_CASE("files that are too short, too long or claim too much are refused") {
    const tiny::Directory directory;
    const auto why = [&](const std::string& bytes) {
      directory.write("model.safetensors", bytes);
      return open_refusal(directory);
    };
    CHECK(contains(why(""), "is empty"));
    for (std::size_t size = 1; size < 8; ++size)
      CHECK(contains(why(std::string(size, 1)), "too few"));
    CHECK(contains(why(length(0)), "not a JSON object"));
    CHECK(contains(why(length(1)), "claims a header of 1 bytes in a file of 8"));
    CHECK(
        contains(why(length(uint64_t(1) << 63) + "{}"), "claims a header of 9223372036854775808"));
    CHECK(contains(why(length(UINT64_MAX) + "{}"), "claims a header of 18446744073709551615"));
    CHECK(why(length(2) + "{}") == "nothing");
    CHECK(contains(why(length(2) + "{}x"), "1 bytes of tensors, but its header speaks of 0"));
    const std::string whole = tiny::safetensors(tiny::tensors({}));
    CHECK(why(whole) == "nothing");
    for (std::size_t part = 0; part < 200; ++part)
      CHECK(why(whole.substr(0, whole.size() * part / 200)) != "nothing");
    CHECK(why(whole + "x") != "nothing");
  }

  TEST_CASE("a header of more than 32 MiB is not read, though the file has it") {
    const tiny::Directory directory;
    const uint64_t size = Checkpoint::kHeaderBytesMax + 1;
    directory.write("model.safetensors", length(size));
    std::filesystem::resize_file(directory.path() / "model.safetensors", 8 + size);  // a hole
    CHECK(contains(open_refusal(directory), "at most 33554432 are read"));
  }

  TEST_CASE("shards must be there, be files, and hold what the index says") {
    const tiny::Directory directory;
    tiny::write(directory.path(), {.shards = 2});
    const std::string second = "model-00002-of-00002.safetensors";
    const std::string bytes = directory.read(second);
    const auto shard = directory.path() / second;
    std::filesystem::remove(shard);
    CHECK(contains(open_refusal(directory), "No such file"));
    std::filesystem::create_directory(shard);
    CHECK(contains(open_refusal(directory), "is not a regular file"));
    std::filesystem::remove(shard);
    std::filesystem::create_symlink("/dev/zero", shard);
    CHECK(contains(open_refusal(directory), "is not a regular file"));
    std::filesystem::remove(shard);
    directory.write("blob", bytes);  // as the hub's cache keeps it
    std::filesystem::create_symlink("blob", shard);
    CHECK(open_refusal(directory) == "nothing");
    std::filesystem::remove(shard);
    std::filesystem::copy_file(directory.path() / "model-00001-of-00002.safetensors", shard);
    CHECK(contains(open_refusal(directory),
                   "is in model-00001-of-00002.safetensors and in " + second));
    directory.write(second, tiny::safetensors({}));
    CHECK(contains(open_refusal(directory), "is in " + second + ", but it is not there"));
  }

  TEST_CASE("an index that names a tensor's wrong shard is refused") {
    const tiny::Directory directory;
    directory.write("1.safetensors", tiny::safetensors({{"a", "U8", {1}, "x"}}));
    directory.write("2.safetensors", tiny::safetensors({{"b", "U8", {1}, "y"}}));
    directory.write("model.safetensors.index.json",
                    R"({"weight_map":{"a":"2.safetensors","b":"1.safetensors"}})");
    CHECK(open_refusal(directory) ==
          "model.safetensors.index.json says that tensor \"a\" is in 2.safetensors, but it is in "
          "1.safetensors");
  }

  TEST_CASE("opening 16 GB reads the header alone") {
    const tiny::Directory directory;
    const uint64_t data = uint64_t(16) << 30;
    const std::string json = fmt::format(
        R"({{"a":{{"dtype":"F8_E4M3","shape":[{}],"data_offsets":[0,{}]}}}})", data, data);
    directory.write("model.safetensors", length(json.size()) + json);
    std::filesystem::resize_file(directory.path() / "model.safetensors", 8 + json.size() + data);
    const auto begin = std::chrono::steady_clock::now();
    const auto checkpoint = Checkpoint::open(directory.path());
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    CHECK(checkpoint->bytes() == int64_t(data));
    CHECK(seconds.count() < 0.1);  // reading it all would take seconds
  }
}

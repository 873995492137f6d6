#include "backends/calibrate/measurement_cache.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "tests/catch.h"

namespace hvd {
namespace {

namespace fs = std::filesystem;

struct Folder {
  Folder() {
    std::string pattern = (fs::temp_directory_path() / "hvd-cache-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string path;
};

struct Lines {
  std::vector<std::string> said;
  Logger logger{LogLevel::debug, "",
                [this](LogLevel, std::string_view line) { said.emplace_back(line); }};
};

Measurements some() {
  return {.core_cached_bytes_per_second = 9e10,
          .core_memory_bytes_per_second = 4e10,
          .stream_gain = 1.5,
          .flag_seconds = 2e-7,
          .latency_seconds = 1e-5,
          .network_bytes_per_second = 1e9};
}

std::string content_of(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}
void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

TEST_CASE("what was kept is there again, in folders that it makes itself", "[calibrate]") {
  const Folder folder;
  Lines lines;
  const MeasurementCache cache(folder.path + "/a/b", {"cpu x; 2 cores", "host y"}, lines.logger);
  CHECK(cache.load() == Measurements{});
  CHECK(lines.said.size() == 2);  // where it looked, and for what
  lines.said.clear();
  cache.store(some());
  CHECK(cache.load() == some());
  CHECK(lines.said.empty());
  int files = 0;
  for (const auto& entry : fs::directory_iterator(folder.path + "/a/b")) {
    ++files;
    CHECK(entry.is_regular_file());
  }
  CHECK(files == 2);  // nothing temporary is left
}

TEST_CASE("another CPU, host or version has figures of its own", "[calibrate]") {
  const Folder folder;
  Lines lines;
  MeasurementCache(folder.path, {"cpu x; hvd 1", "host y"}, lines.logger).store(some());
  const Measurements elsewhere =
      MeasurementCache(folder.path, {"cpu x; hvd 2", "host y"}, lines.logger).load();
  CHECK(!elsewhere.has_memory());
  CHECK(elsewhere.has_network());
  CHECK(!MeasurementCache(folder.path, {"cpu x; hvd 1", "host z"}, lines.logger)
             .load()
             .has_network());
}

TEST_CASE("a file that is damaged, cut or of another key is ignored with a line", "[calibrate]") {
  const Folder folder;
  Lines lines;
  const MeasurementCache cache(folder.path, {"cpu x", "host y"}, lines.logger);
  cache.store(some());
  const std::string good = content_of(cache.path_of_host());
  std::vector<std::string> bad = {"",
                                  "\n",
                                  std::string(100000, 'x'),
                                  std::string(64, '\0'),
                                  good + "more",
                                  "hvd measurements 2" + good.substr(18)};
  for (std::size_t size = 1; size < good.size(); size += 7) {
    bad.push_back(good.substr(0, size));
  }
  std::string foreign = good;
  foreign.replace(foreign.find("cpu x"), 5, "cpu z");
  bad.push_back(foreign);
  std::string absurd = good;
  absurd.replace(absurd.find("stream_gain 1.5"), 15, "stream_gain nan");
  bad.push_back(absurd);
  for (const std::string& text : bad) {
    write(cache.path_of_host(), text);
    lines.said.clear();
    const Measurements loaded = cache.load();
    INFO(text.substr(0, 200));
    CHECK(!loaded.has_memory());
    CHECK(!loaded.has_pair());
    CHECK(loaded.has_network());  // of the other file
    REQUIRE(lines.said.size() == 1);
    CHECK(lines.said[0].find(cache.path_of_host()) != std::string::npos);
  }
  cache.store(some());  // is whole again
  CHECK(cache.load() == some());
}

TEST_CASE("a folder that cannot be written is said once a file and harms nothing", "[calibrate]") {
  const Folder folder;
  Lines lines;
  write(folder.path + "/file", "no folder");
  const MeasurementCache cache(folder.path + "/file/in", {"cpu x", "host y"}, lines.logger);
  cache.store(some());
  CHECK(lines.said.size() == 2);
  CHECK(cache.load() == Measurements{});
  const MeasurementCache nowhere("", {"cpu x", "host y"}, lines.logger);
  nowhere.store(some());
  CHECK(nowhere.load() == Measurements{});
}

TEST_CASE("the folder is the setting's, or the user's cache", "[calibrate]") {
  Config config;
  CHECK(cache_folder(config, Environment()) == "");
  const Environment home(std::map<std::string, std::string>{{"HOME", "/home/a"}});
  CHECK(cache_folder(config, home) == "/home/a/.cache/hvd");
  const Environment both({{"HOME", "/home/a"}, {"XDG_CACHE_HOME", "/var/a"}});
  CHECK(cache_folder(config, both) == "/var/a/hvd");
  config.cache_dir = "/tmp/mine";
  CHECK(cache_folder(config, both) == "/tmp/mine");
}

TEST_CASE("keys tell versions, host keys and meeting places apart and are one line",
          "[calibrate]") {
  Config config;
  const CacheKeys plain = cache_keys(config, "1.0");
  CHECK(plain.host != cache_keys(config, "1.1").host);
  config.host_key = "a\nb";
  CHECK(plain.network != cache_keys(config, "1.0").network);
  CHECK(plain.host == cache_keys(config, "1.0").host);
  CHECK(cache_keys(config, "1.0").network.find('\n') == std::string::npos);
  config.host_key = "";
  config.rendezvous_addr = "10.0.0.1";
  CHECK(plain.network != cache_keys(config, "1.0").network);
}

}  // namespace
}  // namespace hvd

#include "tests/multiproc/workers/shell_operation.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <sstream>

namespace hvd_worker {
namespace {

constexpr unsigned char kTaken = 0x5a;

template <std::size_t n, std::size_t m>
const Named& by_name(const std::array<Named, n>& table, const std::array<Named, m>& more,
                     const std::string& name) {
  for (const Named& row : table) {
    if (name == row.name) {
      return row;
    }
  }
  for (const Named& row : more) {
    if (name == row.name) {
      return row;
    }
  }
  std::cerr << "rank_shell: there is no " << name << "\n";
  ::_exit(97);
}

std::vector<std::int64_t> numbers_of(const std::string& text, char between) {
  std::vector<std::int64_t> numbers;
  std::istringstream in(text);
  std::string number;
  while (std::getline(in, number, between)) {
    numbers.push_back(std::atoll(number.c_str()));
  }
  return numbers;
}

std::size_t count_of(const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) {
    count *= size;
  }
  return static_cast<std::size_t>(std::max<std::int64_t>(count, 0));
}

}  // namespace

Command::Command(const std::string& line) {
  std::istringstream in(line);
  std::string word;
  while (in >> word) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos) {
      words.push_back(word);
    } else {
      settings[word.substr(0, equals)] = word.substr(equals + 1);
    }
  }
}

double Command::number(const std::string& key, double otherwise) const {
  const auto at = settings.find(key);
  return at == settings.end() ? otherwise : std::atof(at->second.c_str());
}

std::string Command::text(const std::string& key) const {
  const auto at = settings.find(key);
  return at == settings.end() ? "" : at->second;
}

std::string error_text(hvd_status_t status) {
  const std::string tensor = hvd_last_error_tensor();
  std::string word = tensor.empty() ? "-" : tensor;
  std::replace(word.begin(), word.end(), ' ', '_');  // of a message, whose name is made by hvd
  std::ostringstream out;
  out << "error " << status << " " << hvd_last_error_rank() << " " << word << " "
      << hvd_last_error();
  return out.str();
}

bool ShellOperation::is_kind(const std::string& word) {
  static const std::vector<std::string> kinds = {
      "allreduce", "reduce",  "broadcast", "allgather", "reduce_scatter", "alltoall", "gather",
      "scatter",   "barrier", "send",      "recv"};
  return std::find(kinds.begin(), kinds.end(), word) != kinds.end();
}

ShellOperation::~ShellOperation() { (void)hvd_free(arena_); }

hvd_tensor_t ShellOperation::tensor_at(unsigned char* data) const {
  const bool is_output = data == output_ && !output_shape_.empty();
  const std::vector<std::int64_t>& shape = is_output ? output_shape_ : shape_;
  return {data, shape.data(), static_cast<std::int32_t>(shape.size()), dtype_.value, HVD_CPU};
}

void ShellOperation::fill(unsigned char* to, double value) const {
  for (std::size_t at = 0; at < bytes_; at += dtype_.bytes) {
    if (dtype_.value == HVD_FLOAT32) {
      const auto element = static_cast<float>(value);
      std::memcpy(to + at, &element, sizeof element);
    } else if (dtype_.value == HVD_FLOAT64) {
      std::memcpy(to + at, &value, sizeof value);
    } else {
      to[at] = static_cast<unsigned char>(value);
    }
  }
}

void ShellOperation::make_memory(const Command& command) {
  value_ = command.number("value", 1);
  bytes_ = count_of(shape_) * dtype_.bytes;
  const auto shift = static_cast<std::size_t>(command.number("shift", 0));
  const bool has_output = kind_ == "reduce_scatter" || command.number("out", 0) != 0;
  in_place_ = !has_output && shift == 0 && (kind_ == "allreduce" || kind_ == "reduce");
  const std::size_t all = (has_output ? 2 : 1) * bytes_ + shift;
  unsigned char* memory = nullptr;
  if (command.number("arena", 0) != 0) {
    if (hvd_alloc(all, &arena_) != HVD_OK) {
      std::cerr << "rank_shell: " << hvd_last_error() << "\n";
      ::_exit(97);
    }
    memory = static_cast<unsigned char*>(arena_);
    std::fill_n(memory, all, static_cast<unsigned char>(0));
  } else {
    own_.assign(all, 0);
    memory = own_.data();
  }
  const bool is_null = command.number("null", 0) != 0;
  input_ = is_null ? nullptr : memory;
  output_ = shift > 0 ? memory + shift : has_output ? memory + bytes_ : input_;
  if (!is_null) {
    fill(input_, value_);
  }
}

hvd_status_t ShellOperation::submit(const Command& command) {
  kind_ = command.word(1);
  const std::string name = command.word(2);
  const bool is_message = kind_ == "send" || kind_ == "recv";
  key_ = is_message ? kind_ : name;
  options_.struct_size = sizeof options_;
  options_.deadline_seconds = command.number("deadline", 0);
  options_.root_rank = static_cast<int>(command.number("root", 0));
  options_.prescale = command.number("pre", 0);
  options_.postscale = command.number("post", 0);
  options_.op = HVD_SUM;
  if (const std::string op = command.text("op"); !op.empty()) {
    options_.op = by_name(kOps, kOtherOps, op).value;
  }
  const char* c_name = name == "-" || name.empty() ? nullptr : name.c_str();
  if (kind_ == "barrier") {
    return hvd_barrier_async(c_name, &options_, &handle_);
  }
  dtype_ = by_name(kDTypes, kOtherDTypes, command.word(3));
  shape_ = numbers_of(command.word(4), 'x');
  splits_ = numbers_of(command.text("splits"), ',');
  make_memory(command);
  return submit_tensor(c_name, command);
}

hvd_status_t ShellOperation::submit_tensor(const char* name, const Command& command) {
  const auto peer = static_cast<std::int32_t>(command.number("peer", 0));
  const auto tag = static_cast<std::int32_t>(command.number("tag", 0));
  const std::int64_t* splits = splits_.empty() ? nullptr : splits_.data();
  if (kind_ == "reduce_scatter" && !shape_.empty()) {
    output_shape_ = shape_;
    const std::int64_t size = std::max(hvd_size(), 1);
    const std::int64_t rank = std::max(hvd_rank(), 0);
    output_shape_[0] = splits == nullptr
                           ? shape_[0] / size + (rank < shape_[0] % size ? 1 : 0)
                           : splits_[std::min(static_cast<std::size_t>(rank), splits_.size() - 1)];
  }
  const hvd_tensor_t input = tensor_at(input_);
  const hvd_tensor_t output = tensor_at(output_);
  if (kind_ == "allreduce") {
    return hvd_allreduce_async(name, &input, &output, &options_, &handle_);
  }
  if (kind_ == "reduce") {
    return hvd_reduce_async(name, &input, &output, &options_, &handle_);
  }
  if (kind_ == "broadcast") {
    return hvd_broadcast_async(name, &input, &options_, &handle_);
  }
  if (kind_ == "reduce_scatter") {
    return hvd_reduce_scatter_async(name, &input, splits, &output, &options_, &handle_);
  }
  if (kind_ == "alltoall") {
    return hvd_alltoall_async(name, &input, splits, nullptr, &options_, &handle_);
  }
  if (kind_ == "gather") {
    return hvd_gather_async(name, &input, nullptr, &options_, &handle_);
  }
  if (kind_ == "scatter") {
    return hvd_scatter_async(name, &input, splits, nullptr, &options_, &handle_);
  }
  if (kind_ == "send") {
    return hvd_send_async(&input, peer, tag, &options_, &handle_);
  }
  if (kind_ == "recv") {
    return hvd_recv_async(&input, peer, tag, &options_, &handle_);
  }
  return hvd_allgather_async(name, &input, nullptr, &options_, &handle_);
}

std::string ShellOperation::outcome() const {
  const void* data = output_;
  std::size_t bytes = output_shape_.empty() ? bytes_ : count_of(output_shape_) * dtype_.bytes;
  if (kind_ == "allgather" || kind_ == "alltoall" || kind_ == "gather" || kind_ == "scatter") {
    void* result = nullptr;
    const std::int64_t* shape = nullptr;
    std::int32_t ndim = 0;
    if (const hvd_status_t status = hvd_result(handle_, &result, &shape, &ndim); status != HVD_OK) {
      return error_text(status);
    }
    bytes = count_of({shape, shape + ndim}) * dtype_.bytes;
    data = result;
  }
  std::ostringstream out;
  out << "ok " << kind_ << " " << bytes << " " << std::hex << checksum(data, bytes) << std::dec;
  if (dtype_.value == HVD_FLOAT32 && dtype_.bytes == 4 && bytes >= 4) {
    float first = 0;
    std::memcpy(&first, data, 4);
    out << " first " << first;
  }
  return out.str();
}

bool ShellOperation::input_kept() const {
  std::vector<unsigned char> expected(bytes_);
  fill(expected.data(), value_);
  return std::equal(expected.begin(), expected.end(), input_);
}

void ShellOperation::take_memory() {
  std::fill_n(input_, bytes_, kTaken);
  std::fill_n(output_, bytes_, kTaken);
}

bool ShellOperation::memory_taken() const {
  const auto taken = [](unsigned char byte) { return byte == kTaken; };
  return std::all_of(input_, input_ + bytes_, taken) &&
         std::all_of(output_, output_ + bytes_, taken);
}

}  // namespace hvd_worker

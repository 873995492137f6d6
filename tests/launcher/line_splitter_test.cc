#include "launcher/line_splitter.h"

#include <rapidcheck.h>

#include <vector>

#include "tests/catch.h"

namespace hvd {
namespace {

using Pieces = std::vector<std::string>;

Pieces pieces_of(LineSplitter& splitter, const std::vector<std::string>& chunks) {
  Pieces pieces;
  const auto emit = [&](std::string_view piece) { pieces.emplace_back(piece); };
  for (const std::string& chunk : chunks) {
    splitter.feed(chunk, emit);
  }
  splitter.finish(emit);
  return pieces;
}

Pieces lines(const std::vector<std::string>& chunks) {
  LineSplitter splitter(false);
  return pieces_of(splitter, chunks);
}

Pieces terminal(const std::vector<std::string>& chunks) {
  LineSplitter splitter(true);
  return pieces_of(splitter, chunks);
}

TEST_CASE("lines come whole, however they arrive", "[line_splitter]") {
  CHECK(lines({"a\nb\n"}) == Pieces{"a\n", "b\n"});
  CHECK(lines({"a", "b", "\nc", "\n"}) == Pieces{"ab\n", "c\n"});
  CHECK(lines({"\n\n"}) == Pieces{"\n", "\n"});
  CHECK(lines({""}).empty());
}

TEST_CASE("the end of a stream without newline is not lost", "[line_splitter]") {
  CHECK(lines({"a\nb"}) == Pieces{"a\n", "b"});
}

TEST_CASE("a carriage return ends a piece on a terminal only", "[line_splitter]") {
  CHECK(lines({"1%\r2%\r\n"}) == Pieces{"1%\r2%\r\n"});
  CHECK(terminal({"1%\r2%\r", "3%\n"}) == Pieces{"1%\r", "2%\r", "3%\n"});
}

TEST_CASE("carriage return and newline are one terminator, also when torn", "[line_splitter]") {
  CHECK(terminal({"a\r\nb\n"}) == Pieces{"a\r\n", "b\n"});
  CHECK(terminal({"a\r", "\nb\n"}) == Pieces{"a\r\n", "b\n"});
}

TEST_CASE("a line without end comes in bounded pieces", "[line_splitter]") {
  LineSplitter splitter(false, 4);
  CHECK(pieces_of(splitter, {"abcdefghij\nk"}) == Pieces{"abcd", "efgh", "ij\n", "k"});
}

TEST_CASE("no byte is changed, lost or added", "[line_splitter][fuzz]") {
  const auto pieces_are_the_input = [](const std::vector<std::string>& chunks, bool at_terminal) {
    const auto most = *rc::gen::inRange<std::size_t>(1, 9);
    LineSplitter splitter(at_terminal, most);
    std::string input;
    for (const std::string& chunk : chunks) {
      input += chunk;
    }
    std::string output;
    for (const std::string& piece : pieces_of(splitter, chunks)) {
      RC_ASSERT(!piece.empty());
      RC_ASSERT(piece.size() <= most);
      output += piece;
    }
    RC_ASSERT(output == input);
  };
  CHECK(rc::check("pieces joined are the input", pieces_are_the_input));
}

TEST_CASE("how the input is torn does not matter", "[line_splitter][fuzz]") {
  const auto same_pieces = [](bool at_terminal) {
    const auto text = *rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab\r\n")));
    const auto cut = *rc::gen::inRange<std::size_t>(0, text.size() + 1);
    LineSplitter whole(at_terminal);
    LineSplitter torn(at_terminal);
    RC_ASSERT(pieces_of(whole, {text}) == pieces_of(torn, {text.substr(0, cut), text.substr(cut)}));
  };
  CHECK(rc::check("the same pieces", same_pieces));
}

}  // namespace
}  // namespace hvd

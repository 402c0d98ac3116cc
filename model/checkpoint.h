// The file in which a search that a limit stopped waits to go on: a line of text that says what was
// searched, then 64-bit little-endian numbers.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace tribunal {

struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
};

// Throws std::runtime_error, with the path, when the file cannot be written in full.
class CheckpointWriter {
  public:
    // `identity`: model and constants. The file appears under its name only with close().
    CheckpointWriter(std::string path, const std::string& identity);
    void number(std::uint64_t x);
    void numbers(const std::vector<std::uint64_t>& xs);
    void close();

  private:
    [[noreturn]] void fail() const;
    std::string path_;
    std::unique_ptr<std::FILE, CloseFile> file_;
};

// Throws std::invalid_argument, with the path, when the file cannot be read, is damaged or belongs
// to another search.
class CheckpointReader {
  public:
    CheckpointReader(std::string path, const std::string& identity);
    std::uint64_t number();
    std::vector<std::uint64_t> numbers();
    void expect(std::uint64_t wanted, const char* otherwise);
    [[noreturn]] void damaged() const;

  private:
    [[noreturn]] void refuse(const std::string& why) const;
    std::string path_;
    std::unique_ptr<std::FILE, CloseFile> file_;
};

}  // namespace tribunal

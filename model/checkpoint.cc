#include "model/checkpoint.h"

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace tribunal {
namespace {

constexpr const char* kTitle = "tribunal checkpoint 1: ";
constexpr std::uint64_t kMostNumbers = std::uint64_t{1} << 40;

}  // namespace

CheckpointWriter::CheckpointWriter(std::string path, const std::string& identity)
    : path_(std::move(path)), file_(std::fopen((path_ + ".new").c_str(), "wb")) {
    if (!file_) fail();
    const std::string title = kTitle + identity + '\n';
    if (std::fwrite(title.data(), 1, title.size(), file_.get()) != title.size()) fail();
}

void CheckpointWriter::number(std::uint64_t x) {
    unsigned char bytes[8];
    for (int i = 0; i < 8; ++i) bytes[i] = static_cast<unsigned char>(x >> (8 * i));
    if (std::fwrite(bytes, 1, sizeof bytes, file_.get()) != sizeof bytes) fail();
}

void CheckpointWriter::numbers(const std::vector<std::uint64_t>& xs) {
    number(xs.size());
    for (const std::uint64_t x : xs) number(x);
}

void CheckpointWriter::close() {
    if (std::fclose(file_.release()) != 0) fail();
    if (std::rename((path_ + ".new").c_str(), path_.c_str()) != 0) fail();
}

void CheckpointWriter::fail() const {
    throw std::runtime_error("cannot write checkpoint " + path_ + ": " + std::strerror(errno));
}

CheckpointReader::CheckpointReader(std::string path, const std::string& identity)
    : path_(std::move(path)), file_(std::fopen(path_.c_str(), "rb")) {
    if (!file_) refuse(std::strerror(errno));
    std::string title;
    for (int c = std::fgetc(file_.get()); c != '\n'; c = std::fgetc(file_.get())) {
        if (c == EOF || title.size() > 10'000) refuse("is not a checkpoint of tribunal");
        title += static_cast<char>(c);
    }
    if (title.rfind(kTitle, 0) != 0) refuse("is not a checkpoint of tribunal");
    title.erase(0, std::strlen(kTitle));
    if (title != identity) refuse("belongs to '" + title + "', not to '" + identity + "'");
}

std::uint64_t CheckpointReader::number() {
    unsigned char bytes[8];
    if (std::fread(bytes, 1, sizeof bytes, file_.get()) != sizeof bytes) damaged();
    std::uint64_t x = 0;
    for (int i = 0; i < 8; ++i) x |= std::uint64_t{bytes[i]} << (8 * i);
    return x;
}

std::vector<std::uint64_t> CheckpointReader::numbers() {
    const std::uint64_t size = number();
    if (size > kMostNumbers) damaged();
    std::vector<std::uint64_t> xs;
    for (std::uint64_t i = 0; i < size; ++i) xs.push_back(number());
    return xs;
}

void CheckpointReader::expect(std::uint64_t wanted, const char* otherwise) {
    if (number() != wanted) refuse(otherwise);
}

void CheckpointReader::damaged() const { refuse("is damaged or cut short"); }

void CheckpointReader::refuse(const std::string& why) const {
    throw std::invalid_argument("checkpoint " + path_ + ": " + why);
}

}  // namespace tribunal

// Puts the files of a report into a folder: all are written beside their places first, then
// renamed, so that a full disk or a crash never leaves half a file where a reader looks.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "reports/report.h"

namespace tribunal {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const std::string& file, const std::string& what, int error) {
    throw std::runtime_error(file + ": " + what + ": " + std::strerror(error));
}

// Removes what it was told of unless `keep` was called: a failure leaves no trace.
class Leftovers {
  public:
    Leftovers() = default;
    Leftovers(const Leftovers&) = delete;
    Leftovers& operator=(const Leftovers&) = delete;
    ~Leftovers() {
        std::error_code ignored;  // already failing: the first error is the one to tell
        for (auto file = files_.rbegin(); file != files_.rend(); ++file) fs::remove(*file, ignored);
    }
    void add(fs::path file) { files_.push_back(std::move(file)); }
    void keep() { files_.clear(); }

  private:
    std::vector<fs::path> files_;  // folders are removed only when empty
};

void make_folder(const fs::path& folder, Leftovers& leftovers) {
    std::vector<fs::path> missing;
    std::error_code error;
    for (fs::path at = folder; !at.empty() && !fs::exists(at, error); at = at.parent_path()) {
        missing.push_back(at);
    }
    for (auto at = missing.rbegin(); at != missing.rend(); ++at) {
        const bool made = fs::create_directory(*at, error);
        if (error) {
            throw std::runtime_error(at->string() +
                                     ": cannot make this folder: " + error.message());
        }
        if (made) leftovers.add(*at);
    }
    if (!fs::is_directory(folder, error)) {
        throw std::runtime_error(folder.string() + ": is not a folder");
    }
}

void write_whole(const std::string& file, const std::string& text) {
    const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) refuse(file, "cannot be written", errno);
    int error = 0;
    for (std::size_t done = 0; done < text.size() && error == 0;) {
        const ssize_t got = ::write(fd, text.data() + done, text.size() - done);
        if (got > 0) {
            done += static_cast<std::size_t>(got);
        } else if (got < 0 && errno != EINTR) {
            error = errno;
        } else if (got == 0) {
            error = EIO;
        }
    }
    // Without it a machine that stops may show the new name over an empty file.
    if (error == 0 && ::fsync(fd) != 0 && errno != EINVAL) error = errno;
    if (::close(fd) != 0 && error == 0) error = errno;
    if (error != 0) refuse(file, "cannot be written", error);
}

}  // namespace

void write_report(const Report& report, const std::string& folder) {
    const std::array<std::pair<const char*, std::string>, 3> files{{
        {"result.json", to_json(report)},
        {"junit.xml", to_junit({report})},
        {"report.html", to_html(report)},
    }};
    fs::path place = fs::path(folder).lexically_normal();
    if (place.filename().empty() && place.has_parent_path()) place = place.parent_path();
    if (place.empty()) place = ".";
    Leftovers leftovers;
    make_folder(place, leftovers);
    // The process id keeps two runs that write into one folder out of each other's files.
    const std::string ending = ".partial." + std::to_string(::getpid());
    for (const auto& [name, text] : files) {
        const fs::path partial = place / (name + ending);
        leftovers.add(partial);
        write_whole(partial.string(), text);
    }
    // Seen before the first rename, so that old and new files are not mixed.
    for (const auto& [name, text] : files) {
        std::error_code error;
        if (fs::is_directory(place / name, error)) {
            throw std::runtime_error((place / name).string() +
                                     ": cannot be replaced: it is a folder");
        }
    }
    for (const auto& [name, text] : files) {
        std::error_code error;
        fs::rename(place / (name + ending), place / name, error);
        if (error) {
            throw std::runtime_error((place / name).string() +
                                     ": cannot be replaced: " + error.message());
        }
    }
    leftovers.keep();
}

}  // namespace tribunal

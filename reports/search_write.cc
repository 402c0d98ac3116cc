// Puts what `tribunal check` writes into place: beside it first, then renamed over it.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <system_error>

#include "reports/search_report.h"

namespace tribunal {

namespace fs = std::filesystem;

void write_file(const std::string& file, const std::string& text) {
    // The process id keeps two checks that write one file out of each other's way.
    const std::string partial = file + ".partial." + std::to_string(::getpid());
    {
        std::ofstream out(partial, std::ios::binary | std::ios::trunc);
        out.write(text.data(), static_cast<std::streamsize>(text.size()));
        out.close();
        if (!out) {
            std::error_code ignored;  // already failing: the first error is the one to tell
            fs::remove(partial, ignored);
            throw std::runtime_error(file + ": cannot be written");
        }
    }
    std::error_code error;
    fs::rename(partial, file, error);
    if (!error) return;
    const std::string why = error.message();
    fs::remove(partial, error);
    throw std::runtime_error(file + ": cannot be replaced: " + why);
}

void write_search_report(const SearchReport& report, const std::string& folder) {
    // Written out before the first file is touched.
    const std::string html = to_html(report);
    const std::string json = to_json(report);
    std::error_code error;
    fs::create_directories(folder, error);
    if (!fs::is_directory(folder)) {
        throw std::runtime_error(folder + ": cannot make this folder" +
                                 (error ? ": " + error.message() : std::string()));
    }
    write_file((fs::path(folder) / "check.json").string(), json);
    write_file((fs::path(folder) / "check.html").string(), html);
}

}  // namespace tribunal

// Text made safe for the format it goes into: HTML and XML, JSON inside a page, one terminal line.
//
// What reaches a report may have been typed by anybody (a scenario, a topic name): no byte of it
// may become markup, script or a terminal command.
#pragma once

#include <string>
#include <string_view>

namespace tribunal {

// Bytes that are not UTF-8 become U+FFFD, and so do what XML forbids beyond control characters.
std::string valid_utf8(std::string_view text);
// For element text and quoted attributes of HTML and XML 1.0. A control character, which XML cannot
// hold even as an entity, is written out: "\x1b".
std::string escape_markup(std::string_view text);
// Control characters (line ends too) become spaces: no escape sequence reaches a terminal.
std::string one_line(std::string_view text);
// A JSON string with its quotes, in ASCII punctuation that cannot end a <script> element.
void append_json(std::string& out, std::string_view text);

}  // namespace tribunal

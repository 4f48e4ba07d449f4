// A reader of the Prometheus text format 0.0.4 for tests: written from the format's description, independent of the
// writer, and stricter than a server needs to be.
#pragma once

#include <cstdlib>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

namespace banyan::test {

using Labels = std::map<std::string, std::string>;

class PrometheusPage {
public:
  // Throws std::runtime_error that says what is wrong with which line.
  explicit PrometheusPage(const std::string& page) {
    if (!page.empty() && page.back() != '\n') throw std::runtime_error("the last line has no end");
    std::istringstream lines(page);
    for (std::string line; std::getline(lines, line);) read(line);
    check_histograms();
  }

  // The value of a series; throws if there is none.
  double value(const std::string& name, const Labels& labels = {}) const {
    const auto found = series_.find({name, labels});
    if (found == series_.end()) throw std::runtime_error("no series " + name);
    return found->second;
  }
  bool has(const std::string& name, const Labels& labels) const { return series_.contains({name, labels}); }
  const std::map<std::string, std::string>& types() const { return types_; }
  std::size_t count(const std::string& name) const {
    std::size_t n = 0;
    for (const auto& [key, value] : series_) n += key.first == name ? 1U : 0U;
    return n;
  }

private:
  using Key = std::pair<std::string, Labels>;

  static bool is_name(const std::string& text, const std::string& also = "") {
    const std::string letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_" + also;
    return !text.empty() && letters.find(text.front()) != std::string::npos &&
           text.find_first_not_of(letters + "0123456789") == std::string::npos;
  }

  // The two words behind "# HELP " or "# TYPE ": a metric's name and the rest of the line.
  static std::pair<std::string, std::string> read_comment(const std::string& line) {
    const std::size_t blank = line.find(' ', 7);
    if (blank == std::string::npos || blank + 1 == line.size()) bad(line, "nothing behind the name");
    std::string name = line.substr(7, blank - 7);
    if (!is_name(name, ":")) bad(line, "bad metric name");
    return {name, line.substr(blank + 1)};
  }

  void read(const std::string& line) {
    if (line.starts_with("# HELP ")) {
      family_ = read_comment(line).first;
      if (!helps_.insert(family_).second) bad(line, "second HELP");
    } else if (line.starts_with("# TYPE ")) {
      const auto [name, type] = read_comment(line);
      if (name != family_) bad(line, "TYPE does not follow its HELP");
      if (type != "counter" && type != "gauge" && type != "histogram") bad(line, "unknown type");
      if (!types_.emplace(name, type).second) bad(line, "second TYPE");
    } else {
      read_sample(line);
    }
  }

  void read_sample(const std::string& line) {
    std::size_t at = line.find_first_of("{ ");
    if (at == std::string::npos || at == 0) bad(line, "no name");
    const std::string name = line.substr(0, at);
    Labels labels;
    if (line[at] == '{') labels = read_labels(line, at);
    if (at >= line.size() || line[at] != ' ') bad(line, "no blank before the value");
    const std::string number = line.substr(at + 1);
    char* end = nullptr;
    const double value = std::strtod(number.c_str(), &end);
    if (number.empty() || *end != '\0' || number.front() == ' ') bad(line, "no number");
    check_family(line, name, labels);
    if (types_.at(family_) != "gauge" && value < 0) bad(line, "negative count");
    if (!series_.emplace(Key{name, labels}, value).second) bad(line, "the same series twice");
  }

  // Leaves `at` behind the closing brace.
  static Labels read_labels(const std::string& line, std::size_t& at) {
    Labels labels;
    do {
      ++at;
      const std::size_t equals = line.find("=\"", at);
      if (equals == std::string::npos) bad(line, "no label value");
      const std::string name = line.substr(at, equals - at);
      if (!is_name(name)) bad(line, "bad label name");
      std::string value;
      for (at = equals + 2; at < line.size() && line[at] != '"'; ++at) {
        if (line[at] != '\\') {
          value += line[at];
          continue;
        }
        const char escaped = line.at(++at);
        if (escaped != 'n' && escaped != '\\' && escaped != '"') bad(line, "bad escape");
        value += escaped == 'n' ? '\n' : escaped;
      }
      ++at;
      if (!labels.emplace(name, value).second) bad(line, "label twice");
    } while (at < line.size() && line[at] == ',');
    if (at >= line.size() || line[at] != '}') bad(line, "labels not closed");
    ++at;
    return labels;
  }

  void check_family(const std::string& line, const std::string& name, const Labels& labels) const {
    if (!types_.contains(family_)) bad(line, "sample before TYPE");
    if (types_.at(family_) != "histogram") {
      if (name != family_) bad(line, "sample of another family");
      return;
    }
    const bool bucket = name == family_ + "_bucket";
    if (!bucket && name != family_ + "_sum" && name != family_ + "_count") bad(line, "sample of another family");
    if (bucket != labels.contains("le")) bad(line, "le belongs to buckets and to nothing else");
  }

  // Buckets do not fall with rising bounds, and +Inf is there and equals the count.
  void check_histograms() const {
    for (const auto& [family, type] : types_) {
      if (type != "histogram") continue;
      std::map<Labels, std::map<double, double>> buckets;
      for (const auto& [key, value] : series_) {
        if (key.first != family + "_bucket") continue;
        Labels rest = key.second;
        const double bound = std::strtod(rest.at("le").c_str(), nullptr);
        rest.erase("le");
        buckets[rest][bound] = value;
      }
      for (const auto& [labels, counts] : buckets) {
        double last = 0;
        for (const auto& [bound, n] : counts) {
          if (n < last) throw std::runtime_error(family + ": buckets are not cumulative");
          last = n;
        }
        if (counts.rbegin()->first != std::strtod("inf", nullptr)) throw std::runtime_error(family + ": no +Inf");
        if (value(family + "_count", labels) != last) throw std::runtime_error(family + ": +Inf is not the count");
        if (!has(family + "_sum", labels)) throw std::runtime_error(family + ": no sum");
      }
    }
  }

  [[noreturn]] static void bad(const std::string& line, const char* what) {
    throw std::runtime_error(std::string(what) + ": " + line);
  }

  std::string family_;
  std::set<std::string> helps_;
  std::map<std::string, std::string> types_;
  std::map<Key, double> series_;
};

}  // namespace banyan::test

// The fixture of the tests on the habits server. rest_adapter.py starts the server.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/rest_support.hpp"

namespace banyan::legacy::rest {

using Kind = Failure::Kind;
using namespace std::chrono_literals;
using namespace testing_support;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class RestHabits : public testing::Test {
protected:
  // The server forgets everything and takes on these habits; the system is described with these parts.
  RestSystem& given(const Json& habits, const Parts& parts = {}) {
    ask(url_, "PUT", "/_habits", habits.dump());
    system_ = system_of(contacts_description(url_, parts));
    return *system_;
  }
  RestSystem& system() { return *system_; }

  std::vector<int> rows(const Json& values) {
    return Json::parse(ask(url_, "POST", "/_rows", values.dump()).body).get<std::vector<int>>();
  }
  void many_rows(int count) {
    Json values = Json::array();
    for (int i = 0; i < count; ++i) values.push_back({{"name", "Row " + std::to_string(i)}});
    rows(values);
  }
  Json stored() { return Json::parse(ask(url_, "GET", "/_rows").body); }
  Json log() { return Json::parse(ask(url_, "GET", "/_log").body); }
  void fault(const std::string& method, const std::string& path, const std::string& kind, int times = 1) {
    const Json body{{"method", method}, {"path", path}, {"kind", kind}, {"times", times}};
    ask(url_, "POST", "/_fault", body.dump());
  }
  int count_of(const std::string& method, const std::string& path) {
    int count = 0;
    for (const Json& entry : log()) {
      const std::string target = entry["path"];
      if (entry["method"] == method && target.substr(0, target.find('?')) == path) ++count;
    }
    return count;
  }

  template <typename T>
  static T get(Answer<T> answer) {
    if (!answer) throw std::runtime_error(answer.error().message);
    return std::move(*answer);
  }
  static CreateMark mark(const std::string& id = "0192f0c1-0000-7000-8000-000000000001") {
    return {id, WallTime{} + 1h};
  }
  Answer<Written> create(const Json& fields) { return system().create("contacts", fields, mark(), soon()); }
  Answer<Written> update(const std::string& id, const Json& fields, const std::string& expected = "") {
    return system().update("contacts", id, fields, fields, expected, soon());
  }
  LegacyRecord fetch(const std::string& id, const std::string& type = "contacts") {
    const std::vector<std::string> ids{id};
    return get(system().fetch(type, ids, soon())).at(0);
  }
  std::vector<std::string> scanned(std::size_t limit = 10) {
    std::vector<std::string> ids;
    std::string position;
    for (bool more = true; more;) {
      const Page page = get(system().scan("contacts", position, limit, soon()));
      for (const auto& record : page.records) ids.push_back(record.id);
      position = page.next.id;
      more = page.more;
    }
    return ids;
  }
  std::vector<LegacyRecord> changed(Cursor cursor, std::size_t limit = 10) {
    std::vector<LegacyRecord> all;
    for (bool more = true; more;) {
      const Page page = get(system().changes("contacts", cursor, limit, soon()));
      all.insert(all.end(), page.records.begin(), page.records.end());
      more = page.more;
      cursor = page.next;
    }
    return all;
  }
  static std::vector<std::string> ids_of(const std::vector<LegacyRecord>& records) {
    std::vector<std::string> ids;
    for (const auto& record : records) ids.push_back(record.id);
    return ids;
  }
  static std::vector<std::string> numbers(int first, int last) {
    std::vector<std::string> out;
    for (int i = first; i <= last; ++i) out.push_back(std::to_string(i));
    return out;
  }

  std::string url_ = environment("BANYAN_HABITS_URL");
  std::unique_ptr<RestSystem> system_;
};

}  // namespace banyan::legacy::rest

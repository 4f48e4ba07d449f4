// The Tryton adapter against a real Tryton. tryton_adapter.py starts one and says in the environment where it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "adapters/legacy/tryton/tryton_system.hpp"
#include "tests/integration/legacy_conformance.hpp"
#include "tests/integration/legacy_conformance_proxy.hpp"

namespace banyan::legacy::conformance {
namespace {

using tryton::Effect;
using tryton::Rpc;
using tryton::RpcOptions;
using tryton::TrytonOptions;
using tryton::TrytonSystem;
using tryton::TypeOptions;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) throw std::runtime_error(std::string(name) + " is not set: run tryton_adapter.py");
  return value;
}

RpcOptions rpc_options(const std::string& url, const std::string& user) {
  RpcOptions options;
  options.url = url;
  options.database = environment("TRYTON_DATABASE");
  options.user = user;
  options.password = Secret(environment("TRYTON_PASSWORD"));
  return options;
}

TrytonOptions system_options(const std::string& url, const std::string& user) {
  TrytonOptions options;
  options.rpc = rpc_options(url, user);
  options.page_limit = 10;
  options.types["party.party"] = TypeOptions{.fields = {"name", "code", "active", "lang", "addresses", "categories"},
                                             .replaced_by = "replaced_by"};
  options.types["party.address"] = TypeOptions{.fields = {"party", "street", "city", "country"}};
  options.types["party.contact_mechanism"] = TypeOptions{.fields = {"party", "type", "value"}};
  options.types["sale.opportunity"] = TypeOptions{
      .fields = {"party", "description", "amount", "start_date", "state", "conversion_probability", "lines"}};
  return options;
}

// A login and reads are no writes; anything else that changes records is.
std::optional<bool> is_write(const std::string& request) {
  for (const char* method : {".create\"", ".write\"", ".delete\""}) {
    if (request.find(method) != std::string::npos) return true;
  }
  for (const char* method : {".search_read\"", ".search\"", ".read\""}) {
    if (request.find(method) != std::string::npos) return false;
  }
  return std::nullopt;
}

std::uint16_t tryton_port() {
  return static_cast<std::uint16_t>(std::stoi(environment("TRYTON_PORT")));
}

std::string tryton_url() {
  return "http://127.0.0.1:" + std::to_string(tryton_port());
}

// Parties of the real Tryton: ours is the administrator, staff is a sales person.
class TrytonWorld : public World {
public:
  TrytonWorld()
      : proxy_(tryton_port(), is_write),
        ours_(system_options(proxy_.url(), "admin"), clock_),
        staff_(system_options(tryton_url(), "ines"), clock_),
        rpc_(rpc_options(tryton_url(), "ines"), clock_) {}

  LegacySystem& ours() override { return ours_; }
  LegacySystem& staff() override { return staff_; }
  std::string type() const override { return "party.party"; }
  Json new_record(const std::string& text) const override { return Json{{"name", text}, {"lang", 1}}; }
  std::string text_field() const override { return "name"; }
  std::string other_field() const override { return "lang"; }
  Json refused_record() const override {
    return Json{{"name", "Refused"}, {"code", "1"}};
  }  // there is one of that code
  std::string absent_id() const override { return "99999999"; }

  std::vector<std::string> create_together(std::size_t count) override {
    Json records = Json::array();
    for (std::size_t i = 0; i < count; ++i) records.push_back(Json{{"name", "Together " + std::to_string(i)}});
    const auto created = rpc_.call(type(), "create", Json::array({records}), Effect::writes, soon());
    if (!created) throw std::runtime_error(created.error().message);
    std::vector<std::string> ids;
    for (const auto& id : *created) ids.push_back(std::to_string(id.get<std::int64_t>()));
    return ids;
  }

  bool archive(const std::string& id) override {
    const auto done = staff_.update(type(), id, Json{{"active", false}}, Json::object(), "", soon());
    if (!done) throw std::runtime_error(done.error().message);
    return true;
  }

  void disturb_next_write(Fault fault) override { proxy_.disturb_next(true, fault); }
  void disturb_next_read(Fault fault) override { proxy_.disturb_next(false, fault); }

protected:
  SystemClock clock_;
  FaultProxy proxy_;
  TrytonSystem ours_;
  TrytonSystem staff_;
  Rpc rpc_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Tryton, LegacyConformance, TrytonWorld);

}  // namespace
}  // namespace banyan::legacy::conformance

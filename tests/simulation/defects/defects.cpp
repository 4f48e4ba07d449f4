#include "tests/simulation/defects/defects.hpp"

#include <string>

namespace banyan::defects {
namespace {

std::string& current() {
  static std::string name;
  return name;
}

}  // namespace

void turn_on(std::string_view name) {
  current() = name;
}

bool on(std::string_view name) {
  return current() == name;
}

}  // namespace banyan::defects

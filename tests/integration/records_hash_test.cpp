// The database and the program must agree on what a value's text and hash are.
#include <array>
#include <limits>
#include <random>

#include "tests/integration/records_fixture.hpp"

namespace banyan::records {
namespace {

class CanonicalForm : public RecordsTest {};

std::string random_text(std::mt19937& random) {
  static const std::array<const char*, 16> kPieces{"a",    "B", "\"", "\\",     "/", "\n", "\t",  "\x01",
                                                   "\x7F", " ", "é",  "\u2028", "😀", "\b", "u00", "zz"};
  std::string out;
  for (std::size_t i = random() % 8; i > 0; --i) out += kPieces.at(random() % kPieces.size());
  return out;
}

Json random_value(std::mt19937& random, int depth) {
  switch (random() % (depth > 0 ? 7U : 5U)) {
    case 0:
      return random() % 2 == 0;
    case 1:
      return nullptr;
    case 2:
      return std::numeric_limits<std::int64_t>::min() / (1 + static_cast<std::int64_t>(random() % 1000));
    case 5: {
      Json list = Json::array();
      for (std::size_t i = random() % 4; i > 0; --i) list.push_back(random_value(random, depth - 1));
      return list;
    }
    case 6: {
      Json object = Json::object();
      for (std::size_t i = random() % 12; i > 0; --i) object[random_text(random)] = random_value(random, depth - 1);
      return object;
    }
    default:
      return random_text(random);
  }
}

TEST_F(CanonicalForm, IsTheSameInTheDatabase) {
  std::mt19937 random(42);
  for (int i = 0; i < 500; ++i) {
    Json object = Json::object();
    for (int field = 0; field < 8; ++field) object[random_text(random)] = random_value(random, 3);
    const auto same = app().run(soon(), [&](store::Transaction& tx) {
      const auto row =
          tx.exec_params1("SELECT j::text, banyan.content_hash(j) FROM (SELECT $1::jsonb) AS t (j)", object.dump());
      ASSERT_EQ(row[0].c_str(), canonical_text(object));
      ASSERT_EQ(row[1].as<std::int64_t>(), content_hash(object));
    });
    ASSERT_TRUE(same) << same.error().internal_detail;
  }
}

}  // namespace
}  // namespace banyan::records

// FastSource: a legacy system that costs next to nothing. It makes its rows up when they are asked for, so that memory
// does not grow with their number, and each is the same every time until it is edited.
#pragma once

#include "adapters/legacy/legacy_system.hpp"

namespace banyan::bench {

class FastSource final : public legacy::LegacySystem {
public:
  // `rows`: how many records it holds. `edits`: how many of them can be edited; divides `rows`.
  FastSource(std::size_t rows, std::size_t edits);

  // Edits the next `count` records, each once, spread over all in no order of keys. They come through the feed.
  void edit(std::size_t count) { edited_ += count; }
  // How many rows scan() has given so far.
  std::size_t scanned() const { return scanned_; }
  std::size_t edited() const { return edited_; }

  // A row as it is now, by its number.
  legacy::LegacyRecord row(std::size_t number) const;

  const legacy::Capabilities& capabilities(const std::string& type) const override;
  legacy::Answer<legacy::Page> changes(const std::string& type, const legacy::Cursor& after, std::size_t limit,
                                       Deadline deadline) override;
  legacy::Answer<legacy::Cursor> here(const std::string& type, Deadline deadline) override;
  legacy::Cursor rewind(const std::string& type, const legacy::Cursor& cursor,
                        std::chrono::milliseconds overlap) const override;
  std::chrono::milliseconds distance(const std::string& type, const legacy::Cursor& later,
                                     const legacy::Cursor& earlier) const override;
  legacy::Answer<legacy::Page> scan(const std::string& type, const std::string& position, std::size_t limit,
                                    Deadline deadline) override;
  legacy::Answer<std::vector<legacy::LegacyRecord>> fetch(const std::string& type, std::span<const std::string> ids,
                                                          Deadline deadline) override;
  legacy::Answer<legacy::Written> create(const std::string& type, const legacy::Json& fields,
                                         const legacy::CreateMark& mark, Deadline deadline) override;
  legacy::Answer<legacy::Written> update(const std::string& type, const std::string& id, const legacy::Json& fields,
                                         const legacy::Json& whole, const std::string& expected,
                                         Deadline deadline) override;
  legacy::Answer<void> remove(const std::string& type, const std::string& id, const std::string& expected,
                              Deadline deadline) override;
  legacy::Answer<std::vector<legacy::LegacyRecord>> find(const std::string& type, const legacy::CreateMark& mark,
                                                         Deadline deadline) override;
  legacy::Answer<std::vector<std::string>> deleted_since(const std::string& type, const legacy::Cursor& since,
                                                         Deadline deadline) override;
  legacy::Answer<std::vector<legacy::FieldDescription>> describe(const std::string& type, Deadline deadline) override;
  legacy::Answer<WallTime> now(Deadline deadline) override;

private:
  std::size_t row_of_edit(std::size_t edit) const;
  bool is_edited(std::size_t number) const;

  const std::size_t rows_;
  const std::size_t edits_;
  const std::size_t stride_;   // one record in so many can be edited
  const std::size_t inverse_;  // of kShuffle modulo edits_
  legacy::Capabilities capabilities_;
  std::size_t edited_ = 0;
  std::size_t scanned_ = 0;
};

}  // namespace banyan::bench

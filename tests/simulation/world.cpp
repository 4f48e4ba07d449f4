// The world's processes: leases, steps, crashes, and what happens in the middle of a call.
#include "tests/simulation/world.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace banyan::simulation {
namespace {

using std::chrono::seconds;
constexpr milliseconds kLeaseTerm{3'000};
constexpr std::int64_t kCompareEvery = 20;
constexpr int kDepth = 2;  // a step in a step in a step tells nothing new

const Profile& choose_profile(const RunOptions& options) {
  const Profile* named = find_profile(options.profile);
  return named != nullptr ? *named : profiles()[options.seed % profiles().size()];
}

}  // namespace

World::Process::Process(int its_number, World& world)
    : number(its_number),
      clock(world.time_, microseconds(world.random_.between(-900'000, 900'000))),
      port(its_number, world.system_, clock, world.faults_, world.random_, world),
      store(its_number, world.engine_store(), clock, world.faults_, world.random_, world) {}

World::World(const RunOptions& options)
    : options_(options),
      random_(options.seed),
      profile_(choose_profile(options)),
      legacy_clock_(time_, profile_.clock_skew),
      store_clock_(time_),
      entities_(make_entities(random_.next())),
      system_(profile_.habits, entities_, legacy_clock_, ledger_),
      store_(store_clock_),
      twin_(options.make_twin ? options.make_twin(store_, store_clock_) : nullptr),
      stream_options_(draw_options(random_)) {
  store_.set_listener(twin_.get());
  std::vector<Judge::Line> lines;
  for (const EntitySpec& entity : entities_) {
    mappings_.push_back(make_mapping("crm", entity));
    stream_ids_.push_back(*engine_store().open_stream("crm", entity.entity, Deadline()));
    flipped_at_.emplace_back();
    cursors_.emplace_back();
    lines.push_back({stream_ids_.back(), &entity, mappings_.back().get()});
  }
  judge_ = std::make_unique<Judge>(ledger_, store_, system_, std::move(lines));
  system_.thing_of_record = [this](const std::string& record_id) {
    const Record* record = store_.record(record_id);
    if (record == nullptr) throw Violation{"create: of a record that never was: " + record_id};
    return judge_->thing_of_record(record_id, record->entity);
  };
  const Faults drawn = draw_faults(random_);
  for (int number = 0; number < 2; ++number) {
    processes_.push_back(std::make_unique<Process>(number, *this));
    Process& process = *processes_.back();
    process.committed_at.resize(entities_.size());
    process.store.committed = [this, &process](StreamId stream, const CommitSummary& summary) {
      process.committed_at[static_cast<std::size_t>(stream - 1)] = store_clock_.now();
      judge_->committed(stream, summary);
      for (const auto& [legacy_id, record_id] : summary.links) {
        system_.learned(entities_[static_cast<std::size_t>(stream - 1)].type, legacy_id, process.port.step_number());
      }
    };
    process.store.refused = [](const Error& error) {
      const bool broke_a_rule = error.code == ErrorCode::conflict || error.code == ErrorCode::internal;
      if (broke_a_rule) throw Violation{"store: " + error.public_message + " " + error.internal_detail};
    };
    // What was decided before the owner changed may still arrive.
    process.port.refuses_write = [this, &process](const std::string& type) -> std::optional<std::string> {
      for (std::size_t i = 0; i < entities_.size(); ++i) {
        const bool theirs = flipped_at_[i] <= process.committed_at[i] &&
                            store_.stream(stream_ids_[i]).state.owner == sync::Owner::legacy;
        if (entities_[i].type == type && theirs) return "epoch: a write to " + type + ", which the legacy side owns";
      }
      return std::nullopt;
    };
    start(process);
  }
  report_.profile = profile_.name;
  faults_ = drawn;
}

World::~World() = default;

sync::SyncStore& World::engine_store() {
  if (twin_) return *twin_;
  return store_;
}

void World::trace(const std::string& text) const {
  if (!options_.trace) return;
  std::fprintf(stderr, "%10.3f %*s%s\n", static_cast<double>(time_.elapsed().count()) / 1e6, depth_ * 2, "",
               text.c_str());
}

std::string World::new_uuid() {
  char text[40];
  std::snprintf(text, sizeof(text), "00000000-0000-7000-8000-%012llx", static_cast<unsigned long long>(++uuids_));
  return text;
}

void World::start(Process& process) {
  process.members.clear();
  process.dead = false;
  process.port.start_anew();
  process.owner = "process " + std::to_string(process.number) + " life " + std::to_string(++process.lives);
  process.budget = std::make_unique<sync::Budget>(std::nullopt, process.clock);
  for (std::size_t i = 0; i < entities_.size(); ++i) {
    Member member;
    sync::Stream::Parts parts{*mappings_[i],   process.port,  process.store,
                              *process.budget, process.clock, [this] { return new_uuid(); }};
    member.stream = std::make_unique<sync::Stream>(stream_ids_[i], stream_options_, parts);
    member.stream->on_missing([this, &process](const sync::Reference& reference) {
      for (std::size_t other = 0; other < process.members.size(); ++other) {
        if (entities_[other].entity != reference.entity) continue;
        process.members[other].stream->observe(std::span(&reference.id, 1));
        process.members[other].wake = {};
      }
    });
    member.stream->on_deleted([this, i] {
      const std::vector<std::string>& children = mappings_[i]->children();
      for (std::size_t other = 0; other < entities_.size(); ++other) {
        if (std::find(children.begin(), children.end(), entities_[other].entity) == children.end()) continue;
        for (const auto& one : processes_) {
          if (other < one->members.size()) one->members[other].stream->sweep_soon();
        }
      }
    });
    process.members.push_back(std::move(member));
  }
}

bool World::hold_lease(Process& process, Member& member, StreamId stream) {
  const SteadyTime now = process.clock.now();
  if (member.fence && now - member.renewed < kLeaseTerm / 3) return true;
  const auto lease = process.store.lease(stream, process.owner, kLeaseTerm, Deadline());
  if (!lease) return member.fence && now - member.renewed < kLeaseTerm;
  if (!*lease) {
    member.fence.reset();
    return false;
  }
  member.fence = **lease;
  member.renewed = now;
  return true;
}

// One step of a stream in a process, with everything that a death in the middle of it takes down.
bool World::tick(Process& process, std::size_t line) {
  const Member& member = process.members[line];
  if (process.dead || member.stepping || process.clock.now() < process.down_until) return false;
  const SimPort::StepMark outer = process.port.enter_step({ledger_.next_token(), process.clock.now(), ++ticks_});
  ++process.frames;
  std::optional<Crash> crash;
  try {
    step(process, line);
  } catch (const Crash& thrown) {
    crash = thrown;
    process.dead = true;
    trace("process " + std::to_string(process.number) + " dies");
  }
  --process.frames;
  process.members[line].stepping = false;
  process.port.enter_step(outer);
  if (process.dead && process.frames == 0) {
    ++report_.crashes;
    process.down_until = process.clock.now() + milliseconds(random_.between(0, 3'000));
    start(process);
  }
  if (crash && (crash->process != process.number || process.frames > 0)) throw Crash{*crash};
  return true;
}

void World::step(Process& process, std::size_t line) {
  Member& member = process.members[line];
  if (!hold_lease(process, member, stream_ids_[line])) return;
  member.stepping = true;
  const sync::Fence fence = *member.fence;
  ++report_.steps;
  trace("step of " + entities_[line].entity + " in process " + std::to_string(process.number));
  const sync::Step next = member.stream->step(fence);
  if (next.next == sync::Step::Next::lost) member.fence.reset();
  member.wake = next.next == sync::Step::Next::wait ? next.wake : SteadyTime{};
  if (system_.violation()) throw Violation{*system_.violation()};
  if (!process.port.violations().empty()) throw Violation{process.port.violations().front()};
}

void World::random_tick() {
  Process& process = *processes_[random_.below(processes_.size())];
  tick(process, random_.below(entities_.size()));
}

void World::later(std::chrono::milliseconds delay, std::function<void()> effect) {
  late_.emplace(store_clock_.now() + delay, std::move(effect));
}

void World::deliver_late_writes() {
  while (!late_.empty() && late_.begin()->first <= store_clock_.now()) {
    const auto effect = std::move(late_.begin()->second);
    late_.erase(late_.begin());
    effect();
  }
}

void World::happen(int process, const std::string& where) {
  time_.advance(microseconds(random_.between(20, 3'000)));
  deliver_late_writes();
  if (!faults_.on || depth_ >= kDepth) return;
  ++depth_;
  if (faults_.interleave > 0 && random_.chance(faults_.interleave)) {
    trace("meanwhile, " + where + " of process " + std::to_string(process));
    try {
      if (random_.chance(550)) {
        operate();
      } else {
        random_tick();
      }
    } catch (...) {
      --depth_;
      throw;
    }
    if (random_.chance(30)) time_.advance(milliseconds(random_.between(500, 20'000)));
  }
  --depth_;
  if (random_.chance(faults_.crash)) throw Crash{process};
}

void World::deliver_webhooks() {
  const SteadyTime now = store_clock_.now();
  for (std::size_t i = 0; i < webhooks_.size();) {
    if (webhooks_[i].at > now) {
      ++i;
      continue;
    }
    const Webhook hook = webhooks_[i];
    webhooks_.erase(webhooks_.begin() + static_cast<std::ptrdiff_t>(i));
    Process& process = *processes_[random_.below(processes_.size())];
    process.members[hook.line].stream->observe(std::span(&hook.id, 1));
    process.members[hook.line].wake = {};
  }
}

void World::nudge_all() {
  for (const auto& process : processes_) {
    for (Member& member : process->members) {
      member.stream->nudge();
      member.wake = {};
    }
  }
}

RunReport World::run() {
  populate();
  const std::uint32_t rests = options_.operations < 400 ? 1 : 2;
  for (std::uint32_t done = 0; done < options_.operations;) {
    const std::uint32_t until = std::min(options_.operations, done + options_.operations / rests + 1);
    while (report_.operations < until) {
      operate();
      time_.advance(milliseconds(random_.between(0, random_.chance(30) ? 5'000 : 200)));
      deliver_webhooks();
      const std::uint64_t ticks = random_.below(5);
      for (std::uint64_t i = 0; i < ticks; ++i) random_tick();
      judge_->check_conservation();
      if (twin_ && (options_.trace || report_.operations % kCompareEvery == 0)) twin_->compare();
    }
    done = until;
    check_rest();
    if (twin_) twin_->compare();
  }
  check_hidden_rows();
  if (twin_) twin_->compare();
  report_.edits = ledger_.edit_count();
  report_.window_losses = ledger_.window_losses();
  for (const StreamId id : stream_ids_) {
    report_.captured += store_.stream(id).legacy_counts.captured + store_.stream(id).modern_counts.captured;
    report_.conflicts += static_cast<std::int64_t>(store_.stream(id).closed.size());
  }
  return report_;
}

}  // namespace banyan::simulation

// A job's progress as a stream of events, read as the transport reads it but without its waits.
#include "base/text.h"
#include "bulk_machine.h"
#include "jobs/job_watch.h"

namespace fealty::jobs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Then = api::BodyStream::Then;

struct Event {
  std::int64_t id = -1;
  std::string name, data;
};

// The number of a member of flat JSON.
std::int64_t member(std::string const& json, std::string const& name) {
  auto const at = json.find("\"" + name + "\":");
  return at == std::string::npos ? -1 : std::stoll(json.substr(at + name.size() + 3));
}

class Follower {
 public:
  explicit Follower(api::Response response) : response_(std::move(response)) {}

  // What the stream says now.
  std::vector<Event> poll() {
    std::string text;
    auto const next = response_.stream->next(text);
    EXPECT_EQ(next.then == Then::wait, next.wait_ms == kJobPollMs);
    ended_ = next.then == Then::end;
    std::vector<Event> out;
    for (std::size_t at = 0, end; (end = text.find("\n\n", at)) != std::string::npos; at = end + 2) {
      Event event;
      for (auto const line : fealty::split(std::string_view(text).substr(at, end - at), '\n')) {
        auto const colon = line.find(": ");
        auto const field = line.substr(0, colon), value = line.substr(std::min(line.size(), colon + 2));
        if (field == "id") event.id = std::stoll(std::string(value));
        if (field == "event") event.name = value;
        if (field == "data") event.data = value;
      }
      if (!event.name.empty()) out.push_back(event);
    }
    EXPECT_TRUE(text.empty() || text.ends_with("\n\n")) << text;
    all_.insert(all_.end(), out.begin(), out.end());
    return out;
  }
  bool ended() const { return ended_; }
  std::vector<Event> const& all() const { return all_; }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (auto const& e : all_) out.push_back(e.name);
    return out;
  }

 private:
  api::Response response_;
  std::vector<Event> all_;
  bool ended_ = false;
};

class Events : public MachineTest {
 protected:
  Result<api::Response> open(PublicId id, std::string last_id = "", CommunityNo community = kA, std::int64_t key = 1) {
    api::Request request;
    if (!last_id.empty()) request.headers = {{"last-event-id", last_id}};
    auto c = context(community);
    c.principal.key = {key};
    return program->service->events(c, request, id);
  }
  Follower follow(PublicId id, std::string last_id = "") { return Follower(open(id, std::move(last_id)).value()); }
  // Until the stream says this.
  Event wait_for(Follower& follower, std::string const& name) {
    Event found;
    EXPECT_TRUE(eventually([&] {
      for (auto& event : follower.poll())
        if (event.name == name) found = event;
      return found.name == name || follower.ended();
    })) << name;
    EXPECT_EQ(found.name, name);
    return found;
  }
};
FEALTY_ON_BOTH_ENGINES(Events);

TEST_P(Events, TellAJobFromItsQueueToItsEnd) {
  Gate second_chunk;
  script.on_apply = [&](JobFacts const&, std::int64_t first_row) {
    if (first_row > 100) EXPECT_TRUE(second_chunk.wait());
  };
  auto const id = queue(csv({{"ok", 100}, {"bad", 100}}));
  auto response = open(id);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->content_type, "text/event-stream");
  EXPECT_TRUE(response->stream->is_live());
  Follower follower(*std::move(response));
  auto const first = follower.poll();
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].name, "status");
  EXPECT_THAT(first[0].data, HasSubstr("\"status\":\"queued\""));
  EXPECT_THAT(first[0].data, HasSubstr("\"events_url\":\"/v1/users/bulk-update/" + id.to_string() + "/events\""));
  EXPECT_TRUE(follower.poll().empty()) << "nothing has changed";

  program->start();
  auto const state = wait_for(follower, "state");
  EXPECT_THAT(state.data, HasSubstr("\"status\":\"processing\",\"previous\":\"queued\""));
  ASSERT_TRUE(eventually([&] {
    follower.poll();
    return std::ranges::any_of(follower.all(), [](Event const& e) { return e.name == "progress" && member(e.data, "processed") == 100; });
  }));
  EXPECT_FALSE(follower.ended());
  second_chunk.open();
  auto const end = wait_for(follower, "end");
  EXPECT_TRUE(follower.ended());
  EXPECT_THAT(end.data, HasSubstr("\"status\":\"completed\""));
  EXPECT_EQ(member(end.data, "failed"), 100);
  EXPECT_THAT(end.data, HasSubstr("\"max_errors\":null")) << "the whole status object";

  auto names = follower.names();
  EXPECT_EQ(names.front(), "status");
  EXPECT_EQ(std::count(names.begin(), names.end(), "state"), 2);
  std::int64_t last_id = -1, processed = 0;
  for (auto const& event : follower.all()) {
    EXPECT_GT(event.id, last_id) << event.name;
    last_id = event.id;
    if (event.name == "state") continue;
    EXPECT_GE(member(event.data, "processed"), processed);
    processed = member(event.data, "processed");
    EXPECT_EQ(member(event.data, "processed"), member(event.data, "success") + member(event.data, "failed"));
  }
  EXPECT_EQ(processed, 200);
}

TEST_P(Events, OfAnEndedJobAreItsStatusAndItsEnd) {
  auto const id = queue(csv({{"ok", 5}}));
  program->start();
  ended(id);
  auto follower = follow(id);
  follower.poll();
  EXPECT_THAT(follower.names(), ElementsAre("status", "end"));
  EXPECT_TRUE(follower.ended());
}

TEST_P(Events, ResumeBehindWhatWasSeen) {
  auto const id = queue(csv({{"ok", 5}}));
  auto const queued = follow(id).poll().at(0);
  EXPECT_TRUE(follow(id, std::to_string(queued.id)).poll().empty()) << "nothing is newer";
  program->start();
  ended(id);
  program->stop();

  auto behind = follow(id, std::to_string(queued.id));
  behind.poll();
  ASSERT_THAT(behind.names(), ElementsAre("status", "end"));
  auto const status_id = behind.all()[0].id, end_id = behind.all()[1].id;
  EXPECT_GT(status_id, queued.id);

  auto before_end = follow(id, std::to_string(status_id));
  before_end.poll();
  EXPECT_THAT(before_end.names(), ElementsAre("end"));
  auto const all_seen = open(id, std::to_string(end_id));
  EXPECT_EQ(all_seen->status, 204) << "tells a browser not to come back";
  EXPECT_FALSE(all_seen->stream);
  for (auto const* none : {"abc", "-4", "1e3", "99999999", "99999999999999999999"}) {
    auto fresh = follow(id, none);
    fresh.poll();
    EXPECT_THAT(fresh.names(), ElementsAre("status", "end")) << none;
  }
}

TEST_P(Events, HaveTheSameIdsOnEveryNode) {
  auto const id = queue(csv({{"ok", 70}, {"bad", 5}}) + "\n\n");
  program->start();
  ended(id);
  program->stop();
  auto const here = follow(id).poll();
  auto const other_handle = database().open_another();
  Program other(*other_handle, files, limits, script);
  api::Request request;
  auto c = context();
  auto const there = Follower(other.service->events(c, request, id).value()).poll();
  ASSERT_EQ(here.size(), there.size());
  for (std::size_t i = 0; i < here.size(); ++i) {
    EXPECT_EQ(here[i].id, there[i].id);
    EXPECT_EQ(here[i].data, there[i].data);
  }
}

TEST_P(Events, TellOfACancelAndOfThePlaceInTheQueue) {
  auto const first = queue(csv({{"ok", 5}})), second = queue(csv({{"ok", 5}}));
  auto follower = follow(second);
  EXPECT_EQ(member(follower.poll().at(0).data, "queue_position"), 2);
  auto c = context();
  ASSERT_TRUE(program->service->cancel(c, first));
  auto const moved = wait_for(follower, "progress");
  EXPECT_EQ(member(moved.data, "queue_position"), 1);
  EXPECT_EQ(moved.id, -1) << "no step of this job";
  ASSERT_TRUE(program->service->cancel(c, second));
  auto const end = wait_for(follower, "end");
  EXPECT_THAT(end.data, HasSubstr("\"status\":\"cancelled\""));
}

TEST_P(Events, EndWhenTheJobIsRemoved) {
  auto const id = queue(csv({{"ok", 5}}));
  auto follower = follow(id);
  follower.poll();
  test::run(db(), "DELETE FROM bulk_jobs");
  EXPECT_TRUE(eventually([&] {
    follower.poll();
    return follower.ended();
  }));
  EXPECT_THAT(follower.names(), ElementsAre("status"));
}

TEST_P(Events, AreForTheJobsCommunityAlone) {
  auto const id = queue(csv({{"ok", 5}}));
  EXPECT_EQ(open(id, "", kB).error().code(), "job_not_found");
  EXPECT_EQ(open({id.seconds + 1, id.number}).error().code(), "job_not_found");
}

TEST_P(Events, AreLimitedPerKey) {
  auto const id = queue(csv({{"ok", 5}}));
  std::vector<api::Response> streams;
  for (int i = 0; i < kStreamsPerKeyMax; ++i) streams.push_back(open(id).value());
  auto const refused = open(id);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), "too_many_streams");
  EXPECT_EQ(refused.error().status(), 429);
  EXPECT_GT(refused.error().retry_after_s, 0);
  EXPECT_THAT(refused.error().message, HasSubstr("10"));
  EXPECT_TRUE(open(id, "", kA, 2)) << "another key has places of its own";
  streams.pop_back();
  EXPECT_TRUE(open(id));
}

TEST_P(Events, OutliveAStorageThatIsAwayForAMoment) {
  auto const id = queue(csv({{"ok", 5}}));
  sql::FailingDatabase failing(db());
  BulkService service(BulkParts{failing, files, program->numbers, limits, program->kinds, [] { return system_now(); }}, [] {});
  api::Request request;
  auto c = context();
  Follower follower(service.events(c, request, id).value());
  follower.poll();
  failing.fail_from(1);
  EXPECT_TRUE(eventually([&] {
    follower.poll();
    return failing.calls() > 3;
  }));
  EXPECT_FALSE(follower.ended());
  failing.fail_at(0);
  ASSERT_TRUE(program->service->cancel(c, id));
  wait_for(follower, "end");
}

TEST(JobWatch, SharesOneReadAmongThoseThatAskTogether) {
  std::atomic<int> reads{0};
  auto const view = std::shared_ptr<JobView const>(reinterpret_cast<JobView const*>(&reads), [](JobView const*) {});
  JobWatch watch([&] {
    ++reads;
    return view;
  });
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 1'000; ++i) EXPECT_EQ(watch.look(), view);
    });
  for (auto& thread : threads) thread.join();
  EXPECT_LE(reads, 3) << "one, and one more for each half second that this took";
}

TEST(JobWatch, LetsNobodyWaitForAReadThatHangs) {
  Gate entered, gate;
  std::atomic<int> reads{0};
  auto const view = std::shared_ptr<JobView const>(reinterpret_cast<JobView const*>(&reads), [](JobView const*) {});
  JobWatch watch([&] {
    if (++reads == 2) {
      entered.open();
      gate.wait();
    }
    return view;
  });
  watch.look();
  std::thread hanging([&] {
    while (reads < 2) watch.look();
  });
  ASSERT_TRUE(entered.wait());
  EXPECT_EQ(watch.look(), view) << "what was read before";
  gate.open();
  hanging.join();
}

}  // namespace
}  // namespace fealty::jobs

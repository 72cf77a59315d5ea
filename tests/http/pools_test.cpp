#include "client.h"
#include "http/body_pipe.h"
#include "http/worker_pool.h"

namespace fealty::http {
namespace {

using api::BodyAborted;

TEST(WorkerPool, TakesNoMoreThanItsThreadsAndItsQueueHold) {
  test::Gate entered, gate;
  std::atomic<int> ran = 0;
  WorkerPool pool(1, 2);
  ASSERT_TRUE(pool.try_run([&] {
    entered.open();
    gate.wait();
    ++ran;
  }));
  ASSERT_TRUE(entered.wait());
  EXPECT_TRUE(pool.try_run([&] { ++ran; }));
  EXPECT_TRUE(pool.try_run([&] { ++ran; }));
  EXPECT_EQ(pool.waiting(), 2u);
  EXPECT_FALSE(pool.try_run([&] { ++ran; }));
  gate.open();
  pool.stop();
  EXPECT_EQ(ran, 3);
  EXPECT_FALSE(pool.try_run([&] { ++ran; }));
}

TEST(WorkerPool, TakesAJobWithoutQueueWhenAThreadIsFree) {
  test::Gate entered, gate;
  WorkerPool pool(1, 0);
  ASSERT_TRUE(pool.try_run([&] {
    entered.open();
    gate.wait();
  }));
  EXPECT_FALSE(pool.try_run([] {}));
  ASSERT_TRUE(entered.wait());
  EXPECT_FALSE(pool.try_run([] {}));
  gate.open();
  pool.stop();
}

TEST(BodyPipe, GivesTheBytesInOrderAndStaysWithinItsSize) {
  std::string sent;
  for (int i = 0; sent.size() < 3 * kBodyPipeBytes; ++i) sent += std::to_string(i) + ",";
  std::mutex mutex;
  std::condition_variable space;
  std::uint64_t wakes = 0;
  BodyPipe pipe(std::nullopt, [&] {
    std::lock_guard lock(mutex);
    ++wakes;
    space.notify_one();
  });
  std::size_t first = pipe.put(sent);
  EXPECT_EQ(first, kBodyPipeBytes);
  EXPECT_FALSE(pipe.has_space());
  std::string received;
  std::thread reader([&] {
    std::array<char, 7777> buffer;
    while (std::size_t n = pipe.read(buffer)) received.append(buffer.data(), n);
  });
  for (std::size_t at = first; at < sent.size();) {
    std::unique_lock lock(mutex);
    std::uint64_t const seen = wakes;
    lock.unlock();
    std::size_t n = pipe.put(std::string_view(sent).substr(at));
    at += n;
    if (at == sent.size() || pipe.has_space()) continue;
    lock.lock();
    ASSERT_TRUE(space.wait_for(lock, std::chrono::milliseconds(test::kPatienceMs), [&] { return wakes != seen; }));
  }
  pipe.finish();
  reader.join();
  EXPECT_EQ(received, sent);
}

TEST(BodyPipe, TellsAWaitingReaderWhyTheBodyEnded) {
  BodyPipe pipe(5, [] {});
  std::optional<BodyAborted::Why> why;
  std::thread reader([&] {
    std::array<char, 10> buffer;
    try {
      while (pipe.read(buffer)) {}
    } catch (BodyAborted const& e) {
      why = e.why;
    }
  });
  pipe.put("ab");
  pipe.abort(BodyAborted::Why::too_slow, "too slow");
  pipe.abort(BodyAborted::Why::client_gone, "gone");
  reader.join();
  EXPECT_EQ(why, BodyAborted::Why::too_slow);
  EXPECT_EQ(pipe.declared_length(), 5);
}

}  // namespace
}  // namespace fealty::http

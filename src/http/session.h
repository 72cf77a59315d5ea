// One connection: reads bytes, feeds the parser, asks the pipeline, writes answers. For server.cpp alone, the one source
// that sees Asio.
//
// A session runs on the thread of its io_context and nowhere else; handlers run on pool threads while the session waits.
// It waits for one thing at a time, so a deadline and a cancellation always mean that thing.
#pragma once
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <unordered_set>
#include "base/log.h"
#include "http/answer_head.h"
#include "http/body_pipe.h"
#include "http/body_sinks.h"
#include "http/input_buffer.h"
#include "http/pipeline.h"
#include "http/worker_pool.h"

namespace fealty::http {

namespace asio = boost::asio;

// Typed on the io_context's executor: the type-erased one costs a virtual call and a reference count per operation.
using Executor = asio::io_context::executor_type;
using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
using TlsStream = asio::ssl::stream<Socket>;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor>;
template <class T>
using Task = asio::awaitable<T, Executor>;
inline constexpr asio::use_awaitable_t<Executor> kAwait{};
inline constexpr auto kToken = asio::as_tuple(kAwait);

class SessionBase {
 public:
  virtual ~SessionBase() = default;
  virtual void on_tick(std::int64_t now_ms) = 0;
  virtual void begin_drain() = 0;  // idle connections are closed, live streams ended
  virtual void end_grace() = 0;    // of a drain: an upload is aborted, a running handler waited for, all else closed
  virtual void kill() = 0;         // at once, whatever it does
};

// What all sessions of a server share.
struct SessionWorld {
  Pipeline& pipeline;
  WorkerPool& workers;
  WorkerPool& uploads;
  std::atomic<bool> const& draining;
  std::atomic<std::int64_t>& gathered_bytes;  // of bodies that are or were gathered for requests not yet answered
};

// What the sessions of one I/O thread know of each other. Used on that thread alone.
struct LoopState {
  std::int64_t no_quick_before_ms = 0;  // steady time: until then quick routes are left to the workers too
};

template <class Stream>
class Session final : public SessionBase, public std::enable_shared_from_this<Session<Stream>> {
 public:
  Session(SessionWorld const& world, LoopState& loop, Stream stream, std::string peer)
      : world_(world),
        loop_(loop),
        stream_(std::move(stream)),
        peer_(std::move(peer)),
        in_(static_cast<std::size_t>(world.pipeline.limits().header_bytes_max)) {}

  ~Session() override { let_go_of_body(); }

  // The connection's whole life.
  Task<void> run();
  // Instead of run(), for a connection too many.
  Task<void> run_refused();

  void on_tick(std::int64_t now_ms) override {
    if (deadline_ms_ == 0 || now_ms < deadline_ms_) return;
    deadline_ms_ = 0;
    timed_out_ = true;
    cancel_io();
  }
  void begin_drain() override {
    if (idle_ || watching_)
      cancel_io();
    else if (streaming_)
      wake_soon();
  }
  void end_grace() override {
    if (upload_)
      upload_->abort(api::BodyAborted::Why::shutting_down, "the server is shutting down");
    else if (streaming_ || !waiter_)
      kill();
  }
  void kill() override {
    killed_ = true;
    if (upload_) upload_->abort(api::BodyAborted::Why::shutting_down, "the server is shutting down");
    boost::system::error_code ignored;
    stream_.lowest_layer().close(ignored);
    if (waiter_) wake_soon();
  }

 private:
  enum class Io : std::uint8_t { ok, closed, timed_out, woken };
  enum class Next : bool { close, serve };
  enum class BodyEnd : std::uint8_t { done, refused, lost };
  static constexpr bool kTls = std::is_same_v<Stream, TlsStream>;
  // Answers to pipelined requests are gathered up to this size before they are written.
  static constexpr std::size_t kGatherBytesMax = 256 * 1024;
  // A larger body is written from where it lies.
  static constexpr std::size_t kCopiedBodyBytesMax = 32 * 1024;
  // What counts as movement of a body within its progress timeout; less is a client that drips to hold our resources.
  static constexpr std::int64_t kProgressBytesMin = 4096;
  // A quick route that took so long waited for a disk: for a while the workers, who may wait, have the thread's quick routes.
  static constexpr std::int64_t kQuickMs = 20, kNoQuickMs = 1'000;

  Limits const& limits() const { return world_.pipeline.limits(); }
  bool draining() const { return world_.draining.load(std::memory_order_relaxed); }
  auto self() { return this->shared_from_this(); }

  Task<bool> handshake();
  Task<Next> serve_next();
  Task<bool> read_head();  // false: x_ is not open and the connection is over, or x_ has the answer to what was malformed
  Task<BodyEnd> read_body();
  Task<void> run_handler();
  bool run_quickly();
  Task<void> run_streamed();
  Task<bool> send_answer();
  Task<bool> send_stream();
  Task<StreamEnd> send_pieces(std::optional<std::int64_t> length, std::int64_t& sent);
  Task<bool> pull_piece();
  Task<bool> pause(int time_ms);
  Task<bool> finish_answer();
  Task<void> close_gently();

  Task<Io> read_some(std::int64_t deadline_ms);
  Task<Io> write(std::string_view bytes);
  Task<Io> flush();
  Task<Io> flush_with(std::string_view body);
  // On the session's thread. Nothing happens when it does not wait.
  void wake_from_event() {
    if (auto waiter = std::exchange(waiter_, nullptr)) waiter();
  }
  // For callers that may not be overtaken by what the session then does.
  void wake_soon() {
    asio::post(stream_.get_executor(), [self = self()] { self->wake_from_event(); });
  }
  // Wakes the session from any thread: the pipeline's step is done.
  static void step_done(std::shared_ptr<Session> self) {
    auto executor = self->stream_.get_executor();
    asio::post(executor, [session = std::move(self)] {
      session->handler_done_ = true;
      if (session->watching_)
        session->cancel_io();
      else
        session->wake_from_event();
    });
  }
  // The pipeline's steps for a pool's thread.
  WorkerPool::Job run_job() {
    handler_done_ = false;
    return [self = self()]() mutable {
      Session& session = *self;
      session.world_.pipeline.run(*session.x_, [self = std::move(self)]() mutable { step_done(std::move(self)); });
    };
  }
  WorkerPool::Job pull_job() {
    handler_done_ = false;
    return [self = self()]() mutable {
      self->world_.pipeline.pull(*self->x_);
      step_done(std::move(self));
    };
  }
  // A stream that has no end of its own ends when the server stops.
  bool is_over() const { return killed_ || (live_ && draining()); }
  // Resumed by a posted call, so that no wake-up falls between the look at a condition and the wait for it.
  // (A timer that is cancelled would do as well, for 4 µs a request.)
  Task<void> wait_for_event() {
    return asio::async_initiate<asio::use_awaitable_t<Executor> const, void()>([this](auto handler) { waiter_ = std::move(handler); },
                                                                               kAwait);
  }
  Socket& socket() {
    if constexpr (kTls)
      return stream_.next_layer();
    else
      return stream_;
  }
  void cancel_io() {
    boost::system::error_code ignored;
    stream_.lowest_layer().cancel(ignored);
  }
  void refuse_head(ErrorDef const& def, std::string message, std::string_view reason = "malformed") {
    x_.emplace();
    x_->request.remote_address = peer_;
    world_.pipeline.open_refused(*x_, {.def = &def, .message = std::move(message), .retry_after_s = def.status == 503 ? 1 : 0}, reason);
    close_after_ = true;
  }
  // False when all sessions together would hold too much: one client's body is within its limit, a thousand clients' are
  // more than the memory.
  bool may_hold(std::size_t body_bytes) {
    auto const more = static_cast<std::int64_t>(body_bytes) - held_bytes_;
    held_bytes_ += more;
    return world_.gathered_bytes.fetch_add(more, std::memory_order_relaxed) + more <= limits().json_bodies_node_bytes_max;
  }
  void let_go_of_body() {
    if (held_bytes_ > 0) world_.gathered_bytes.fetch_sub(std::exchange(held_bytes_, 0), std::memory_order_relaxed);
  }
  Io outcome(boost::system::error_code ec) {
    deadline_ms_ = 0;
    bool timed_out = std::exchange(timed_out_, false);
    if (!ec) return Io::ok;
    if (ec != asio::error::operation_aborted || killed_) return Io::closed;
    return timed_out ? Io::timed_out : Io::woken;
  }

  SessionWorld const& world_;
  LoopState& loop_;
  Stream stream_;
  std::string peer_;
  InputBuffer in_;
  std::string out_;
  HeadScanner scanner_;
  RequestParser parser_;
  std::optional<Exchange> x_;
  std::shared_ptr<BodyPipe> upload_;
  std::move_only_function<void()> waiter_;
  std::int64_t held_bytes_ = 0;   // of the request's body, in world_.gathered_bytes
  std::int64_t deadline_ms_ = 0;  // of the operation that runs; 0: none
  bool timed_out_ = false;
  bool killed_ = false;
  bool idle_ = false;      // waits for a request of which nothing has arrived
  bool watching_ = false;  // waits for the socket, but may be called to something else: a handler's end, a pause's
  bool handler_done_ = false;
  bool streaming_ = false;  // sends a body that is made meanwhile
  bool live_ = false;       // … and that has no end of its own
  std::optional<Timer> pause_timer_;
  std::uint64_t pauses_ = 0;  // tells a timer's late call from the one that is waited for
  bool pause_over_ = false;
  bool close_after_ = false;  // no request is read after this answer
};

template <class Stream>
Task<void> Session<Stream>::run() {
  if (!co_await handshake()) co_return;
  while (co_await serve_next() == Next::serve) {}
}

template <class Stream>
Task<void> Session<Stream>::run_refused() {
  if constexpr (!kTls) {
    refuse_head(errors::kOverloaded, "The server has as many connections as it can serve. Try again in a moment.", "connections_full");
    co_await send_answer();
  }
}

template <class Stream>
Task<bool> Session<Stream>::handshake() {
  if constexpr (kTls) {
    idle_ = true;
    deadline_ms_ = steady_now_ms() + limits().header_timeout_ms;
    auto [ec] = co_await stream_.async_handshake(asio::ssl::stream_base::server, kToken);
    idle_ = false;
    co_return outcome(ec) == Io::ok;
  }
  co_return true;
}

// ---- One request

template <class Stream>
Task<typename Session<Stream>::Next> Session<Stream>::serve_next() {
  x_.reset();
  if (!co_await read_head()) {
    if (x_) co_await send_answer();
    co_return Next::close;
  }
  Exchange& x = *x_;
  if (draining() && !x.answered) {
    world_.pipeline.metrics().rejected("draining");
    world_.pipeline.refuse(x, {&errors::kShuttingDown, "The server is shutting down. Try again in a moment.", {}, false, 1});
  }
  if (!x.head.keep_alive) close_after_ = true;

  if (x.plan == BodyPlan::stream && !x.answered) {
    co_await run_streamed();
  } else {
    // A refused request's body is read all the same, so that the connection can serve on; unless it is too long for that, or
    // the client waits for a sign to send it.
    RequestHead const& head = x.head;
    bool const unread = x.answered && (head.expects_continue || head.content_length.value_or(0) > x.body_bytes_max);
    if (unread) {
      close_after_ = true;
    } else if (head.has_body() && co_await read_body() == BodyEnd::lost) {
      x.client_gone = true;
      if (!x.answered) world_.pipeline.refuse(x, {&errors::kInvalidRequest, "The client closed the connection."});
      world_.pipeline.close(x);
      co_return Next::close;
    }
    if (!x.answered) co_await run_handler();
  }
  bool const sent = co_await send_answer();
  co_return sent && !close_after_ ? Next::serve : Next::close;
}

template <class Stream>
Task<bool> Session<Stream>::read_head() {
  scanner_.reset();
  std::int64_t const idle_until_ms = steady_now_ms() + limits().idle_timeout_ms;
  std::int64_t head_until_ms = 0;
  auto const bytes_max = static_cast<std::size_t>(limits().header_bytes_max);
  while (true) {
    // Old clients send a line end after a body; RFC 9112, 2.2 asks servers to overlook it.
    while (in_.view().starts_with("\r\n")) in_.consume(2);
    auto const state = scanner_.scan(in_.view());
    if (state == HeadScanner::State::malformed) {
      refuse_head(errors::kInvalidRequest, "The request is not well-formed HTTP.");
      co_return false;
    }
    if (state == HeadScanner::State::complete && scanner_.head_bytes() <= bytes_max) break;
    if (in_.view().size() >= bytes_max) {
      refuse_head(errors::kHeadersTooLarge, "The request's headers are larger than " + std::to_string(bytes_max) + " bytes.");
      co_return false;
    }
    if (co_await flush() != Io::ok) co_return false;
    bool const begun = !in_.view().empty();
    if (!begun && draining()) {
      co_await close_gently();
      co_return false;
    }
    if (begun && head_until_ms == 0) head_until_ms = steady_now_ms() + limits().header_timeout_ms;
    if (!begun) {
      in_.shrink();
      if (out_.capacity() > InputBuffer::kIdleBytes) std::string().swap(out_);
    }
    idle_ = !begun;
    Io const got = co_await read_some(begun ? head_until_ms : idle_until_ms);
    idle_ = false;
    if (got == Io::timed_out && begun) {
      refuse_head(errors::kRequestTimeout, "The request's headers took too long.");
      co_return false;
    }
    if (got != Io::ok) co_return false;
  }
  auto const problem = parser_.parse_head(in_.view().substr(0, scanner_.head_bytes()));
  in_.consume(scanner_.head_bytes());
  if (problem) {
    refuse_head(errors::kInvalidRequest, std::string(*problem));
    co_return false;
  }
  x_.emplace();
  x_->head = std::move(parser_.head());
  x_->request.remote_address = peer_;
  x_->request.secure = kTls;
  world_.pipeline.open(*x_);
  co_return true;
}

// ---- Bodies

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

template <class Stream>
Task<typename Session<Stream>::BodyEnd> Session<Stream>::read_body() {
  Exchange& x = *x_;
  BoundedSink sink(x.plan == BodyPlan::whole ? &x.request.body : nullptr, x.body_bytes_max);
  Progress progress(limits().body_progress_timeout_ms, kProgressBytesMin);
  bool wants_continue = x.head.expects_continue;
  while (true) {
    auto const fed = parser_.feed_body(in_.view(), sink);
    in_.consume(fed.used);
    if (!may_hold(x.request.body.size())) {
      close_after_ = true;
      world_.pipeline.metrics().rejected("bodies_full");
      world_.pipeline.refuse(x, {&errors::kOverloaded, "The server is overloaded. Try again in a moment.", {}, false, 1});
      co_return BodyEnd::refused;
    }
    if (fed.fed == RequestParser::Fed::done) co_return BodyEnd::done;
    if (fed.fed == RequestParser::Fed::sink_full) {
      close_after_ = true;
      if (!x.answered) world_.pipeline.refuse(x, Pipeline::body_too_large(x.body_bytes_max));
      co_return BodyEnd::refused;
    }
    if (fed.fed == RequestParser::Fed::malformed || in_.full()) {
      close_after_ = true;
      if (!x.answered) world_.pipeline.refuse(x, {&errors::kInvalidRequest, "The chunks of the body are malformed."});
      co_return BodyEnd::refused;
    }
    if (wants_continue && in_.view().empty()) out_ += kContinue;
    wants_continue = false;
    if (co_await flush() != Io::ok) co_return BodyEnd::lost;
    std::size_t const before = in_.view().size();
    Io const got = co_await read_some(progress.deadline_ms());
    if (got == Io::timed_out) {
      close_after_ = true;
      if (!x.answered) world_.pipeline.refuse(x, {&errors::kRequestTimeout, "The body did not move for too long. Send it again."});
      co_return BodyEnd::refused;
    }
    if (got != Io::ok) co_return BodyEnd::lost;
    progress.moved(in_.view().size() - before);
  }
}

// The handler reads from the pipe on its thread while the session fills it. Ends when the handler has answered.
template <class Stream>
Task<void> Session<Stream>::run_streamed() {
  using Why = api::BodyAborted::Why;
  Exchange& x = *x_;
  RequestHead const& head = x.head;
  auto wake = [self = self()] { self->wake_soon(); };
  std::optional<std::int64_t> declared = head.has_body() ? head.content_length : std::optional<std::int64_t>(0);
  auto pipe = std::make_shared<BodyPipe>(declared, std::move(wake));
  x.request.stream = pipe.get();
  x.deadline_steady_ms = world_.pipeline.deadline_of(x);
  bool const too_long = declared.value_or(0) > x.body_bytes_max;
  if (too_long) {
    // Nothing of it is read. The handler may refuse it in its own words, after it has looked who is asking.
    x.abort_error = Pipeline::body_too_large(x.body_bytes_max);
    pipe->abort(Why::malformed, "the body is over the limit");
  }
  if (!world_.uploads.try_run(run_job())) {
    world_.pipeline.metrics().rejected("uploads_full");
    world_.pipeline.refuse(x, {&errors::kOverloaded, "Too many uploads are running. Try again in a moment.", {}, false, 5});
    if (head.has_body()) close_after_ = true;
    co_return;
  }
  upload_ = pipe;
  // While the handler runs, answers to earlier requests must not wait for it.
  if (co_await flush() != Io::ok) pipe->abort(Why::client_gone, "the connection was closed");

  PipeSink sink(*pipe, x.body_bytes_max);
  Progress progress(limits().body_progress_timeout_ms, kProgressBytesMin);
  bool wants_continue = head.expects_continue && in_.view().empty();
  bool feeding = !too_long;
  auto stop = [&](Why why, char const* what) {
    pipe->abort(why, what);
    feeding = false;
  };
  while (!handler_done_) {
    if (!feeding || (wants_continue && !pipe->reading_began())) {
      co_await wait_for_event();
      progress.restart();
      continue;
    }
    if (wants_continue) {
      wants_continue = false;
      if (co_await write(kContinue) != Io::ok) stop(Why::client_gone, "the connection was closed");
      continue;
    }
    auto const fed = parser_.feed_body(in_.view(), sink);
    in_.consume(fed.used);
    if (fed.fed == RequestParser::Fed::done) {
      pipe->finish();
      feeding = false;
    } else if (fed.fed == RequestParser::Fed::sink_full && sink.over_limit()) {
      x.abort_error = Pipeline::body_too_large(x.body_bytes_max);
      stop(Why::malformed, "the body is over the limit");
    } else if (fed.fed == RequestParser::Fed::sink_full) {
      // The handler is behind: nothing is read from the socket until it has caught up, and the client is not to blame.
      if (!pipe->has_space()) co_await wait_for_event();
      progress.restart();
    } else if (fed.fed == RequestParser::Fed::malformed || in_.full()) {
      stop(Why::malformed, "the chunks of the body are malformed");
    } else {
      std::size_t const before = in_.view().size();
      watching_ = true;
      Io const got = co_await read_some(progress.deadline_ms());
      watching_ = false;
      if (got == Io::ok)
        progress.moved(in_.view().size() - before);
      else if (got == Io::timed_out)
        stop(Why::too_slow, "the body did not move for too long");
      else if (got == Io::closed)
        stop(Why::client_gone, "the connection was closed");
    }
  }
  upload_.reset();
  if (!parser_.body_done()) close_after_ = true;
}

// ---- Handlers

// False when a worker has to run it.
template <class Stream>
bool Session<Stream>::run_quickly() {
  std::int64_t const began_ms = steady_now_ms();
  if (began_ms < loop_.no_quick_before_ms) return false;
  bool const done = world_.pipeline.run_quick(*x_);
  if (std::int64_t const now_ms = steady_now_ms(); now_ms - began_ms >= kQuickMs) loop_.no_quick_before_ms = now_ms + kNoQuickMs;
  return done;
}

template <class Stream>
Task<void> Session<Stream>::run_handler() {
  Exchange& x = *x_;
  x.deadline_steady_ms = world_.pipeline.deadline_of(x);
  if (run_quickly()) {
    if (in_.view().empty()) co_return;
    // The client has sent more: the thread's other sessions have their turn first.
    handler_done_ = false;
    step_done(self());
    while (!handler_done_) co_await wait_for_event();
    co_return;
  }
  if (!world_.workers.try_run(run_job())) {
    world_.pipeline.metrics().rejected("queue_full");
    world_.pipeline.refuse(x, {&errors::kOverloaded, "The server is overloaded. Try again in a moment.", {}, false, 1});
    co_return;
  }
  while (!handler_done_) co_await wait_for_event();
}

// ---- Answers

template <class Stream>
Task<bool> Session<Stream>::send_answer() {
  Exchange& x = *x_;
  std::string().swap(x.request.body);  // a client may take long to read its answer
  let_go_of_body();
  if (x.response.close || draining()) close_after_ = true;
  world_.pipeline.close(x);
  if (x.client_gone) co_return false;
  if (x.response.stream && has_body(x.response.status)) co_return co_await send_stream();
  append_answer_head(out_, x.response, {.to_http_1_0 = x.head.http_1_0, .keep_alive = !close_after_});
  std::string_view const body = x.method == api::Method::head ? std::string_view() : body_of(x.response);
  if (body.size() <= kCopiedBodyBytesMax) {
    out_ += body;
  } else {
    if (co_await flush_with(body) != Io::ok) co_return false;
  }
  co_return co_await finish_answer();
}

// The answer is in out_ or sent. False when the connection is over.
template <class Stream>
Task<bool> Session<Stream>::finish_answer() {
  if (close_after_) {
    if (co_await flush() != Io::ok) co_return false;
    co_await close_gently();
    co_return false;
  }
  // The rest of what one read brought is answered with the same write.
  if (out_.size() > kGatherBytesMax && co_await flush() != Io::ok) co_return false;
  co_return true;
}

// A socket that is closed while bytes from the client are unread is reset, and the reset can overtake the answer. So: say
// that nothing more comes, then read what the client still sends, within limits, until it closes too.
template <class Stream>
Task<void> Session<Stream>::close_gently() {
  std::int64_t const until_ms = steady_now_ms() + limits().drain_after_error_ms;
  if constexpr (kTls) {
    deadline_ms_ = until_ms;
    auto [ec] = co_await stream_.async_shutdown(kToken);
    if (outcome(ec) == Io::timed_out) co_return;
  }
  boost::system::error_code closed;
  socket().shutdown(asio::ip::tcp::socket::shutdown_send, closed);
  std::int64_t left = limits().drain_after_error_bytes_max;
  while (!closed && left > 0 && !killed_) {
    in_.consume(in_.view().size());
    auto const room = in_.prepare();
    deadline_ms_ = until_ms;
    auto [ec, count] = co_await socket().async_read_some(asio::buffer(room.data(), room.size()), kToken);
    if (outcome(ec) != Io::ok) break;
    left -= static_cast<std::int64_t>(count);
  }
}

// ---- Bytes

template <class Stream>
Task<typename Session<Stream>::Io> Session<Stream>::read_some(std::int64_t deadline_ms) {
  auto const room = in_.prepare();
  deadline_ms_ = deadline_ms;
  auto [ec, count] = co_await stream_.async_read_some(asio::buffer(room.data(), room.size()), kToken);
  in_.commit(count);
  co_return outcome(ec);
}

template <class Stream>
Task<typename Session<Stream>::Io> Session<Stream>::write(std::string_view bytes) {
  while (!bytes.empty()) {
    // The time is for each piece that the client takes: a large answer on a slow line is no fault.
    deadline_ms_ = steady_now_ms() + limits().write_timeout_ms;
    auto [ec, count] = co_await stream_.async_write_some(asio::buffer(bytes.data(), bytes.size()), kToken);
    Io const result = outcome(ec);
    if (result == Io::woken) continue;  // a handler that ended meanwhile
    if (result != Io::ok) co_return result;
    bytes.remove_prefix(count);
  }
  co_return Io::ok;
}

// What waits and a body behind it, in one call of the system: the client is woken once.
template <class Stream>
Task<typename Session<Stream>::Io> Session<Stream>::flush_with(std::string_view body) {
  std::string_view waiting = out_;
  while (!waiting.empty()) {
    deadline_ms_ = steady_now_ms() + limits().write_timeout_ms;
    std::array const both{asio::buffer(waiting.data(), waiting.size()), asio::buffer(body.data(), body.size())};
    auto [ec, count] = co_await stream_.async_write_some(both, kToken);
    Io const result = outcome(ec);
    if (result == Io::woken) continue;
    if (result != Io::ok) co_return result;
    body.remove_prefix(count - std::min(count, waiting.size()));
    waiting.remove_prefix(std::min(count, waiting.size()));
  }
  out_.clear();
  co_return co_await write(body);
}

template <class Stream>
Task<typename Session<Stream>::Io> Session<Stream>::flush() {
  if (out_.empty()) co_return Io::ok;
  Io const result = co_await write(out_);
  out_.clear();
  co_return result;
}

}  // namespace fealty::http

#include "http/session_stream.h"

// How a session sends a body that is made while it is sent (api::BodyStream). The second half of session.h, for it alone.
//
// A piece is made on a worker's thread, then sent, then the next one is asked for: what is in memory is one piece, and a
// client that does not read keeps no thread. While a stream has nothing to say the session waits for its time to be over
// and watches whether the client goes away.
#pragma once
#include <netinet/tcp.h>
#include <sys/socket.h>
#include "http/session.h"

namespace fealty::http {

// When the workers' queue is full, a stream that is under way waits: the client that has half of it is worth more than the
// next one in line.
inline constexpr int kPullAgainMs = 20;

template <class Stream>
Task<bool> Session<Stream>::send_stream() {
  Exchange& x = *x_;
  auto const length = x.response.stream->length();
  bool const has_end_mark = length || !x.head.http_1_0;
  if (!has_end_mark) close_after_ = true;
  append_answer_head(out_, x.response, {.to_http_1_0 = x.head.http_1_0, .keep_alive = !close_after_});
  StreamEnd end = StreamEnd::complete;
  std::int64_t sent = 0;
  if (x.method != api::Method::head) {
    live_ = x.response.stream->is_live();
    if (live_) {
      // A live stream says little, so what it says fits into the kernel's buffer long after the client's machine is gone.
      int const time_ms = limits().write_timeout_ms;
      ::setsockopt(socket().native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &time_ms, sizeof time_ms);
    }
    streaming_ = true;
    end = co_await send_pieces(length, sent);
    streaming_ = live_ = false;
  }
  x.response.stream.reset();
  std::string().swap(x.piece);
  world_.pipeline.end_stream(x, end, sent);
  if (end != StreamEnd::complete) {
    // Where the connection's end is the body's end, only a reset tells the client that something is missing.
    boost::system::error_code ignored;
    if (!has_end_mark) socket().set_option(asio::socket_base::linger(true, 0), ignored);
    co_return false;
  }
  co_return co_await finish_answer();
}

// Sends the first piece, which is there, and all others. Of a complete body the end lies in out_.
template <class Stream>
Task<StreamEnd> Session<Stream>::send_pieces(std::optional<std::int64_t> length, std::int64_t& sent) {
  using Then = api::BodyStream::Then;
  Exchange& x = *x_;
  bool const chunked = !length && !x.head.http_1_0;
  while (true) {
    if (x.broken) co_return *x.broken;
    sent += static_cast<std::int64_t>(x.piece.size());
    bool const at_end = x.next.then == Then::end;
    if (length && (sent > *length || (at_end && sent < *length))) {
      log::error("stream_failed", {{"request_id", x.request.request_id}, {"route", x.route_id}, {"what", "not of its length"}});
      co_return StreamEnd::failed;
    }
    if (chunked)
      append_chunk(out_, x.piece);
    else
      out_ += x.piece;
    if (at_end) break;
    if (co_await flush() != Io::ok) co_return killed_ ? StreamEnd::cut_off : StreamEnd::client_gone;
    if (x.next.then == Then::wait && !co_await pause(x.next.wait_ms)) co_return StreamEnd::client_gone;
    if (!co_await pull_piece()) co_return StreamEnd::client_gone;
    if (killed_) co_return StreamEnd::cut_off;
    if (is_over()) break;
  }
  if (is_over()) close_after_ = true;
  if (chunked) append_last_chunk(out_);
  co_return StreamEnd::complete;
}

// False when the client is gone.
template <class Stream>
Task<bool> Session<Stream>::pull_piece() {
  while (!is_over()) {
    if (world_.workers.try_run(pull_job())) {
      while (!handler_done_) co_await wait_for_event();
      break;
    }
    if (!co_await pause(kPullAgainMs)) co_return false;
  }
  co_return true;
}

// Waits that long, or until the stream is over. False when the client of a live stream is gone; what it sends instead is
// kept for later. Of other streams the next write shows it: a client that has closed its side may still read on the other.
template <class Stream>
Task<bool> Session<Stream>::pause(int time_ms) {
  if (!pause_timer_) pause_timer_.emplace(stream_.get_executor());
  pause_over_ = false;
  pause_timer_->expires_after(std::chrono::milliseconds(time_ms));
  pause_timer_->async_wait([self = this->shared_from_this(), number = ++pauses_](boost::system::error_code ec) {
    if (ec || number != self->pauses_) return;
    self->pause_over_ = true;
    if (self->watching_)
      self->cancel_io();
    else
      self->wake_from_event();
  });
  bool gone = false;
  while (!pause_over_ && !is_over() && !gone) {
    if (!live_ || in_.full()) {
      co_await wait_for_event();
      continue;
    }
    watching_ = true;
    gone = co_await read_some(0) == Io::closed;
    watching_ = false;
  }
  pause_timer_->cancel();
  co_return !gone || killed_;
}

}  // namespace fealty::http

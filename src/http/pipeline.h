// The way of a request from its head to its answer, as one list of steps (pipeline.cpp). It knows no socket: the session
// calls its parts where bytes arrive, and tests call answer().
#pragma once
#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include "access/api_log.h"
#include "access/authenticator.h"
#include "access/rate_limiter.h"
#include "api/http_types.h"
#include "api/route.h"
#include "api/route_table.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/time.h"
#include "http/metrics.h"
#include "http/proxies.h"
#include "http/request_parser.h"

namespace fealty::http {

// Unexpected exceptions that are known all the same (a database that is away) become answers such as 503; nothing for
// all others, which become 500. Called from any thread.
using ErrorOfException = std::function<std::optional<Error>(std::exception_ptr)>;

struct PipelineSettings {
  Limits limits;
  std::vector<std::string> cors_origins;     // "https://console.example", exact
  std::vector<std::string> trusted_proxies;  // addresses and networks whose X-Forwarded-For and -Proto are believed
  ErrorOfException error_of_exception;
  Clock clock = system_now;
  bool access_log = true;
  access::RateLimiter* rate_limiter = nullptr;  // none: no limits
  // Set where storage lets readers wait for nobody: quick routes run on I/O threads, inside this.
  std::function<void(std::function<void()> const& steps)> around_quick = {};
  access::RequestRecorder* recorder = nullptr;  // none: nobody keeps an API log
};

// What the session does with the request's body.
enum class BodyPlan : std::uint8_t {
  skip,    // read and dropped, up to body_bytes_max
  whole,   // read into Request::body, up to body_bytes_max
  stream,  // the handler reads it while it arrives
};

// How a streamed answer ended.
enum class StreamEnd : std::uint8_t {
  complete,
  client_gone,
  failed,        // its maker threw, or gave another length than it had promised
  unauthorized,  // the key was revoked or has expired meanwhile
  cut_off,       // the server shut down
};

// One request and its answer. Belongs to one thread at a time.
struct Exchange {
  RequestHead head;
  api::Request request;  // the session sets remote_address (the peer) and secure; the pipeline the rest

  std::optional<api::Method> method;  // nothing for methods that no route has
  std::string route_path;
  api::Route const* route = nullptr;
  std::string_view route_id = "none";
  api::Family family = api::Family::integration;  // whose envelope an error wears
  BodyPlan plan = BodyPlan::skip;
  std::int64_t body_bytes_max = 0;

  bool answered = false;  // `response` is ready: no handler is to be run
  bool admitted = false;  // steps 7 and 8 are done
  api::Response response;
  std::string piece;                 // of a streamed answer: made, not sent yet
  api::BodyStream::Next next;        // what comes after the piece
  std::optional<StreamEnd> broken;   // nothing comes any more, though the body is not complete
  bool client_gone = false;          // the handler gave up since nobody waits for the answer
  std::optional<Error> abort_error;  // why the session aborted the streamed body, when BodyAborted alone says too little
  api::Context context;
  std::string key_prefix;
  api::Principal caller;                        // whose credential was good, whether or not he was admitted
  std::string error_code, error_fields = "[]";  // of a refusal, for the API log
  std::int64_t began_us = 0;
  std::int64_t deadline_steady_ms = 0;
  std::int64_t credential_seen_ms = 0;  // steady time of the last look at it
  std::optional<access::RateLimiter::Verdict> rate;
};

class Pipeline {
 public:
  Pipeline(PipelineSettings settings, api::RouteTable const& routes, access::Authenticator& authenticator, Metrics& metrics);

  // Steps 1 to 5, after the head: cheap, on the I/O thread. Either answers or plans the body.
  void open(Exchange& x);
  // Instead of open() when no head could be read: 400, 408, 431, or 503 for a connection too many.
  void open_refused(Exchange& x, Error const& error, std::string_view reason);
  // An answer of the transport's own. Not after run().
  void refuse(Exchange& x, Error const& error);
  // Steps 6 to 9, on a worker's thread: blocks. Of a streamed answer the first piece is made. `then` is called at the end: on
  // this thread, or later on another one's when the handler answers later; the exchange must stay until then.
  using Then = std::move_only_function<void()>;
  void run(Exchange& x, Then then) noexcept;
  // The same on the I/O thread, for what is over in a moment. False when it is to be run by a worker: for most requests at once,
  // for some after they have found out what they are asked for.
  bool run_quick(Exchange& x) noexcept;
  // The next piece of a streamed answer, on a worker's thread.
  void pull(Exchange& x) noexcept;
  // Steps 10 and 11: the answer's common headers, metrics and the access log. Once for each exchange that was opened. A
  // streamed answer's step 11 waits for end_stream().
  void close(Exchange& x);
  void end_stream(Exchange& x, StreamEnd end, std::int64_t bytes);

  // When a handler that is about to wait for a worker must be done.
  std::int64_t deadline_of(Exchange const& x) const;
  static Error body_too_large(std::int64_t bytes_max);

  // All steps on the calling thread, without a transport: `request` has method, target, headers and body. Of a streamed
  // answer the first piece was made, and is lost: look at it through a server.
  api::Response answer(api::Request request);

  Limits const& limits() const { return settings_.limits; }
  Metrics& metrics() { return metrics_; }

 private:
  void begin(Exchange& x);
  void find_route(Exchange& x);
  void answer_options(Exchange& x, std::vector<api::Method> const& allowed);
  void plan_body(Exchange& x);
  // Nothing: the handler answers later.
  using Outcome = std::optional<Result<api::Answer>>;
  std::optional<Error> admit(Exchange& x);
  void answer_later(Exchange& x, Then& then);
  bool settle(Exchange& x, std::function<Outcome()> const& make) noexcept;
  bool credential_still_holds(Exchange& x);
  void record(Exchange const& x, int status, std::int64_t bytes);
  void tell_recorder(Exchange const& x, int status, std::int64_t bytes, std::int64_t duration_us) noexcept;
  std::string fresh_request_id();
  std::string_view cors_origin_of(Exchange const& x) const;

  PipelineSettings settings_;
  TrustedProxies proxies_;
  api::RouteTable const& routes_;
  access::Authenticator& authenticator_;
  Metrics& metrics_;
  std::string id_prefix_;
  std::atomic<std::uint64_t> id_counter_{0};
};

}  // namespace fealty::http

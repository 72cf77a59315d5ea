#include "http/pipeline.h"
#include <latch>
#include "access/audit.h"
#include "api/envelope.h"
#include "base/log.h"
#include "base/random.h"
#include "base/text.h"
#include "http/answer_head.h"
#include "http/target.h"

namespace fealty::http {
namespace {

// What a form around an uploaded file may add to the file's own limit: boundaries, part headers and small fields.
constexpr std::int64_t kFormBytesMax = 1024 * 1024;
constexpr std::size_t kRequestIdCharactersMax = 128, kUserAgentBytesMax = 256;
constexpr int kClientGone = 499;  // the number that nginx logs for it
constexpr std::string_view kAllMethods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
constexpr std::string_view kCorsRequestHeaders =
    "authorization, content-type, idempotency-key, if-range, last-event-id, range, x-api-key, x-community-id, x-request-id";
constexpr std::string_view kCorsAnswerHeaders =
    "Accept-Ranges, Content-Disposition, Content-Range, ETag, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, "
    "X-Request-Id";
constexpr std::string_view kPreflightAgeSeconds = "600";
// A revoked key stops working within a second, on answers that are under way too (conventions).
constexpr std::int64_t kCredentialLooksMs = 800;

std::int64_t steady_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

bool is_sane_request_id(std::string_view id) {
  if (id.empty() || id.size() > kRequestIdCharactersMax) return false;
  return std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

std::optional<api::Method> method_of(std::string_view name) {
  using api::Method;
  for (Method m : {Method::get, Method::head, Method::post, Method::put, Method::patch, Method::del, Method::options})
    if (api::to_string(m) == name) return m;
  return std::nullopt;
}

// OPTIONS is answered for every path, without a route of its own.
std::string allow_list(std::vector<api::Method> const& methods) { return api::allow_header(methods) + ", OPTIONS"; }

bool has_header(api::Response const& response, std::string_view name) {
  return std::any_of(response.headers.begin(), response.headers.end(),
                     [&](api::Header const& h) { return equals_ignore_ascii_case(h.name, name); });
}

void add_header(api::Response& response, std::string_view name, std::string_view value) {
  response.headers.push_back({std::string(name), std::string(value)});
}

// A line break in a value would let it begin a header of its own, or an answer.
bool can_be_sent(api::Response const& response) {
  auto safe = [](std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](unsigned char c) { return (c < ' ' && c != '\t') || c == 127; });
  };
  return safe(response.content_type) && std::all_of(response.headers.begin(), response.headers.end(), [&](api::Header const& h) {
           return !h.name.empty() && h.name.find_first_of(": ") == std::string::npos && safe(h.name) && safe(h.value);
         });
}

void set_error(Exchange& x, Error const& error) {
  x.piece.clear();
  x.error_code = error.code();
  x.error_fields = access::loggable_issues(error.issues);
  x.response = api::render(x.family, Result<api::Answer>(std::unexpected(error)), x.request.request_id);
  if (error.retry_after_s > 0 && !has_header(x.response, "retry-after"))
    add_header(x.response, "Retry-After", std::to_string(error.retry_after_s));
  if (error.status() == 401 && !has_header(x.response, "www-authenticate")) add_header(x.response, "WWW-Authenticate", "Bearer");
  x.answered = true;
}

Error internal_error() { return {&errors::kInternal, "Something went wrong on the server. The request id finds the reason in its log."}; }

Error error_of(api::BodyAborted const& aborted) {
  using Why = api::BodyAborted::Why;
  switch (aborted.why) {
    case Why::too_slow: return {&errors::kRequestTimeout, "The body did not move for too long. Send it again."};
    case Why::shutting_down: return {&errors::kShuttingDown, "The server is shutting down. Send the upload again.", {}, false, 5};
    case Why::malformed:
    case Why::client_gone: break;
  }
  return {&errors::kInvalidRequest, "The body ended before it was complete, or its chunks are malformed."};
}

}  // namespace

Pipeline::Pipeline(PipelineSettings settings, api::RouteTable const& routes, access::Authenticator& authenticator, Metrics& metrics)
    : settings_(std::move(settings)),
      proxies_(settings_.trusted_proxies),
      routes_(routes),
      authenticator_(authenticator),
      metrics_(metrics),
      id_prefix_(random_base62(12) + "-") {}

// ---- On the I/O thread, when the head is there

void Pipeline::begin(Exchange& x) {
  // 1. The request id: the caller's, when it is sane, else a fresh one. Everything that is said about the request later,
  //    in an answer or in the log, carries it.
  x.began_us = steady_us();
  auto given = x.request.header("x-request-id");
  x.request.request_id = given && is_sane_request_id(*given) ? std::string(*given) : fresh_request_id();

  // 2. From here on the request is counted; close() logs it.
  metrics_.request_began();
}

void Pipeline::open(Exchange& x) {
  x.method = method_of(x.head.method);
  x.request.method = x.method.value_or(api::Method::get);
  x.request.headers = std::move(x.head.headers);
  begin(x);

  // Behind a trusted proxy the client is who the proxy says; all others speak for themselves only.
  if (proxies_.trusts(x.request.remote_address)) {
    std::string forwarded_for;
    for (auto const& header : x.request.headers)
      if (header.name == "x-forwarded-for") (forwarded_for += forwarded_for.empty() ? "" : ",") += header.value;
    x.request.remote_address = proxies_.client_of(x.request.remote_address, forwarded_for);
    if (auto proto = x.request.header("x-forwarded-proto")) x.request.secure = *proto == "https";
  }

  // 3. The target, decoded strictly.
  auto target = parse_target(x.head.target);
  if (!target) return refuse(x, {&errors::kInvalidRequest, std::string(target.error())});
  x.request.target = std::move(target->path_and_query);
  x.request.path = std::move(target->path);
  x.request.query = std::move(target->query);
  x.route_path = std::move(target->route_path);

  // 4. The route; 404, 405 and what OPTIONS asks are answered here.
  find_route(x);

  // 5. How much body may come, and where it goes.
  plan_body(x);
}

void Pipeline::find_route(Exchange& x) {
  if (x.route_path == "*") {
    if (x.method != api::Method::options) return refuse(x, {&errors::kInvalidRequest, "The request target \"*\" is for OPTIONS alone."});
    x.response = {.status = 204, .body = {}};
    add_header(x.response, "Allow", kAllMethods);
    x.answered = true;
    return;
  }
  // No route has the method OPTIONS: with it the table just names the methods of the path.
  auto match = routes_.match(x.method.value_or(api::Method::options), x.route_path);
  x.family = match.family;
  if (match.route) {
    x.route = match.route;
    x.route_id = match.route->id;
    for (auto const& arg : match.path_args) {
      auto decoded = percent_decode(arg, Plus::is_plus);
      x.request.path_args.push_back(decoded ? *std::move(decoded) : arg);
    }
    return;
  }
  if (match.allowed.empty()) return refuse(x, {&errors::kNotFound, "There is no such route."});
  if (x.method == api::Method::options) return answer_options(x, match.allowed);
  refuse(x, {&errors::kMethodNotAllowed, "This route does not answer that method; the Allow header names those that it does."});
  add_header(x.response, "Allow", allow_list(match.allowed));
}

void Pipeline::answer_options(Exchange& x, std::vector<api::Method> const& allowed) {
  x.response = {.status = 204, .body = {}};
  add_header(x.response, "Allow", allow_list(allowed));
  if (!cors_origin_of(x).empty() && x.request.header("access-control-request-method")) {
    add_header(x.response, "Access-Control-Allow-Methods", allow_list(allowed));
    add_header(x.response, "Access-Control-Allow-Headers", kCorsRequestHeaders);
    add_header(x.response, "Access-Control-Max-Age", kPreflightAgeSeconds);
  }
  x.answered = true;
}

void Pipeline::plan_body(Exchange& x) {
  Limits const& limits = settings_.limits;
  api::BodyKind kind = x.route && !x.answered ? x.route->body : api::BodyKind::none;
  x.body_bytes_max = limits.json_body_bytes_max;
  switch (kind) {
    case api::BodyKind::none: x.plan = BodyPlan::skip; break;
    case api::BodyKind::json: x.plan = BodyPlan::whole; break;
    case api::BodyKind::stream:
      x.plan = BodyPlan::stream;
      x.body_bytes_max = limits.bulk_file_bytes_max + kFormBytesMax;
      break;
  }
  // A client that says how much it will send is told before it sends it. Of a stream its handler may say
  // so, which knows the caller and the limit that the caller knows.
  if (!x.answered && x.plan != BodyPlan::stream && x.head.content_length.value_or(0) > x.body_bytes_max)
    refuse(x, body_too_large(x.body_bytes_max));
}

Error Pipeline::body_too_large(std::int64_t bytes_max) {
  std::string message = "The body is larger than the " + std::to_string(bytes_max) + " bytes that are accepted here.";
  Error error{&errors::kBodyTooLarge, message};
  error.issues.push_back({.field = "", .code = std::string(errors::kBodyTooLarge.code), .message = message, .limit = bytes_max});
  return error;
}

void Pipeline::open_refused(Exchange& x, Error const& error, std::string_view reason) {
  begin(x);
  metrics_.rejected(reason);
  refuse(x, error);
}

void Pipeline::refuse(Exchange& x, Error const& error) { set_error(x, error); }

// ---- On a worker's thread

void Pipeline::run(Exchange& x, Then then) noexcept {
  bool const settled = settle(x, [&]() -> Outcome {
    if (auto error = admit(x)) return std::unexpected(*std::move(error));
    if (!x.route->later) return x.route->handler(x.context, x.request);
    answer_later(x, then);
    return std::nullopt;
  });
  if (settled) then();
}

bool Pipeline::run_quick(Exchange& x) noexcept {
  if (!settings_.around_quick || !x.route->quick || !authenticator_.is_quick(x.request)) return false;
  x.context.on_io_thread = true;
  bool const settled = settle(x, [&]() -> Outcome {
    Outcome outcome;
    auto const steps = [&] {
      if (auto error = admit(x))
        outcome = std::unexpected(*std::move(error));
      else
        outcome = x.route->handler(x.context, x.request);
    };
    try {
      settings_.around_quick(std::ref(steps));
    } catch (api::TakesLong const&) {
      outcome.reset();
    }
    return outcome;
  });
  x.context.on_io_thread = false;
  return settled;
}

void Pipeline::answer_later(Exchange& x, Then& then) {
  struct Waiting {
    Pipeline& pipeline;
    Exchange& x;
    Then then;
    void end(std::function<Outcome()> const& make) {
      pipeline.settle(x, make);
      std::exchange(then, nullptr)();
    }
  };
  auto const waiting = std::make_shared<Waiting>(*this, x, std::move(then));
  try {
    x.route->later(x.context, x.request, [waiting](Result<api::Answer> result, std::exception_ptr thrown) {
      waiting->end([&]() -> Outcome {
        if (thrown) std::rethrow_exception(thrown);
        return std::move(result);
      });
    });
  } catch (...) {
    // It could not begin, so nobody else will answer.
    auto const thrown = std::current_exception();
    waiting->end([&]() -> Outcome { std::rethrow_exception(thrown); });
  }
}

// False, and the exchange untouched, when the answer comes later.
bool Pipeline::settle(Exchange& x, std::function<Outcome()> const& make) noexcept {
  // 6. The one catch-all: whatever is thrown below becomes an answer without internals and a log line with the request id.
  try {
    Result<api::Answer> result;
    try {
      auto outcome = make();
      if (!outcome) return false;
      result = *std::move(outcome);
      // What a stream cannot even begin with is answered like any other failure.
      if (result && result->raw && result->raw->stream && has_body(result->raw->status) && x.method != api::Method::head)
        x.next = result->raw->stream->next(x.piece);
    } catch (api::BodyAborted const& aborted) {
      x.client_gone = aborted.why == api::BodyAborted::Why::client_gone;
      result = std::unexpected(x.abort_error.value_or(error_of(aborted)));
    } catch (...) {
      auto known = settings_.error_of_exception ? settings_.error_of_exception(std::current_exception()) : std::nullopt;
      if (!known) throw;
      log::warning("request_failed", {{"request_id", x.request.request_id}, {"route", x.route_id}, {"code", known->code()}});
      result = std::unexpected(*std::move(known));
    }
    // 9. The family's envelope around the answer or the error.
    if (!result) {
      set_error(x, result.error());
      return true;
    }
    x.response = api::render(x.family, result, x.request.request_id);
    x.answered = true;
  } catch (std::exception const& e) {
    log::error("unexpected_exception", {{"request_id", x.request.request_id}, {"route", x.route_id}, {"what", e.what()}});
    set_error(x, internal_error());
  } catch (...) {
    log::error("unexpected_exception", {{"request_id", x.request.request_id}, {"route", x.route_id}, {"what", "not a std::exception"}});
    set_error(x, internal_error());
  }
  return true;
}

void Pipeline::pull(Exchange& x) noexcept {
  auto fail = [&](char const* what) {
    log::error("stream_failed", {{"request_id", x.request.request_id}, {"route", x.route_id}, {"what", what}});
    x.broken = StreamEnd::failed;
  };
  try {
    x.piece.clear();
    if (credential_still_holds(x))
      x.next = x.response.stream->next(x.piece);
    else
      x.broken = StreamEnd::unauthorized;
  } catch (std::exception const& e) {
    fail(e.what());
  } catch (...) {
    fail("not a std::exception");
  }
}

bool Pipeline::credential_still_holds(Exchange& x) {
  std::int64_t const now_ms = steady_now_ms();
  if (x.context.principal.kind == api::PrincipalKind::guest || now_ms - x.credential_seen_ms < kCredentialLooksMs) return true;
  x.credential_seen_ms = now_ms;
  try {
    auto principal = authenticator_.check(x.request, settings_.clock());
    return principal && principal->kind != api::PrincipalKind::guest &&
           authenticator_.admit(*principal, *x.route, x.request, settings_.clock());
  } catch (std::exception const& e) {
    // Who cannot be looked up now was good a moment ago; the next look decides.
    log::warning("credential_not_seen", {{"request_id", x.request.request_id}, {"what", e.what()}});
    return true;
  }
}

std::optional<Error> Pipeline::admit(Exchange& x) {
  api::Context& context = x.context;
  context.request_id = x.request.request_id;
  context.remote_address = x.request.remote_address;
  context.now = settings_.clock();
  context.deadline_steady_ms = x.deadline_steady_ms;
  // Who waited for a worker until his time was over has given up by now: to answer him would make the others wait longer.
  if (context.deadline_steady_ms <= steady_now_ms())
    return Error{&errors::kOverloaded, "The server is overloaded. Try again in a moment.", {}, false, 1};
  // A request that a worker runs again was seen and counted already.
  if (x.admitted) return std::nullopt;
  x.admitted = !x.route->needs.looks_at_credential();
  if (x.admitted) return std::nullopt;

  // 7. The credential: who is calling.
  auto principal = authenticator_.check(x.request, context.now);
  if (!principal) return std::move(principal.error());
  x.key_prefix = principal->key_prefix;
  x.caller = *principal;
  x.credential_seen_ms = steady_now_ms();
  if (principal->kind == api::PrincipalKind::guest) {
    x.admitted = x.route->needs.guest;
    if (x.admitted) return std::nullopt;
    return access::credential_needed(x.route->needs);
  }

  // Each request of a key counts, whatever becomes of it.
  if (settings_.rate_limiter) x.rate = settings_.rate_limiter->take(*principal);
  if (x.rate && !x.rate->admitted) {
    auto const wait_ms = std::max<std::int64_t>(0, x.rate->reset_at - context.now);
    return Error{&errors::kRateLimited,
                 "This key has made its " + std::to_string(x.rate->limit) + " requests of this minute. Try again in the next one.",
                 {},
                 false,
                 static_cast<int>(wait_ms / 1'000) + 1};
  }

  // 8. The permission, and the community that the request is about.
  if (auto admitted = authenticator_.admit(*principal, *x.route, x.request, context.now); !admitted) return std::move(admitted.error());
  context.principal = *std::move(principal);
  context.community = context.principal.community;
  x.admitted = true;
  return std::nullopt;
}

// ---- Back on the I/O thread

void Pipeline::close(Exchange& x) {
  if (!can_be_sent(x.response)) {
    log::error("unsendable_answer", {{"request_id", x.request.request_id}, {"route", x.route_id}});
    set_error(x, internal_error());
  }
  // 10. What every answer carries. Answers are about one caller: no cache may keep them unless the handler says so.
  auto& response = x.response;
  add_header(response, "X-Request-Id", x.request.request_id);
  add_header(response, "X-Content-Type-Options", "nosniff");
  if (!has_header(response, "cache-control")) add_header(response, "Cache-Control", "no-store");
  if (x.rate && x.rate->limit > 0) {
    add_header(response, "X-RateLimit-Limit", std::to_string(x.rate->limit));
    add_header(response, "X-RateLimit-Remaining", std::to_string(x.rate->remaining));
    add_header(response, "X-RateLimit-Reset", std::to_string(x.rate->reset_at / 1'000));
  }
  if (std::string_view origin = cors_origin_of(x); !origin.empty()) {
    add_header(response, "Access-Control-Allow-Origin", origin);
    add_header(response, "Access-Control-Expose-Headers", kCorsAnswerHeaders);
    add_header(response, "Vary", "Origin");
  }

  if (response.stream && has_body(response.status)) return;
  std::size_t const bytes = response.static_body.empty() ? response.body.size() : response.static_body.size();
  record(x, x.client_gone ? kClientGone : response.status, static_cast<std::int64_t>(bytes));
}

void Pipeline::end_stream(Exchange& x, StreamEnd end, std::int64_t bytes) {
  int status = x.response.status;
  switch (end) {
    case StreamEnd::complete: break;
    case StreamEnd::client_gone: status = kClientGone; break;
    case StreamEnd::failed: status = errors::kInternal.status; break;
    case StreamEnd::unauthorized: status = errors::kUnauthorized.status; break;
    case StreamEnd::cut_off: status = errors::kShuttingDown.status; break;
  }
  record(x, status, bytes);
}

void Pipeline::record(Exchange const& x, int status, std::int64_t bytes) {
  // 11. Metrics and the access log: never headers, query or bodies, which hold keys and people's data.
  std::int64_t const duration_us = steady_us() - x.began_us;
  metrics_.request_ended(x.route_id, x.method, status, duration_us);
  tell_recorder(x, status, bytes, duration_us);
  if (!settings_.access_log) return;
  log::info("request", {{"method", x.method ? api::to_string(*x.method) : std::string_view("other")},
                        {"route", x.route_id},
                        {"status", status},
                        {"duration_us", duration_us},
                        {"bytes", bytes},
                        {"key", x.key_prefix},
                        {"request_id", x.request.request_id},
                        {"remote", x.request.remote_address}});
}

void Pipeline::tell_recorder(Exchange const& x, int status, std::int64_t bytes, std::int64_t duration_us) noexcept {
  // 12. The API log of the community, where the request has one.
  auto const community = x.context.community ? x.context.community : x.caller.community;
  bool const reads = x.method == api::Method::get || x.method == api::Method::head;
  if (!settings_.recorder || !x.route || !community || x.family == api::Family::plain) return;
  try {
    if (!settings_.recorder->wants(community, reads, status)) return;
    access::RequestRecord r;
    r.community = community;
    r.request_id = x.request.request_id;
    r.method = api::to_string(*x.method);
    r.path = std::string(api::prefixes_of(*x.route).front()) + x.route->path;
    r.operation = x.route->id;
    r.status = status;
    r.code = x.error_code;
    r.duration_us = duration_us;
    r.request_bytes = std::max(x.head.content_length.value_or(0), static_cast<std::int64_t>(x.request.body.size()));
    r.response_bytes = bytes;
    r.caller_kind = access::actor_of(x.caller).type;
    r.caller_prefix = x.caller.key_prefix;
    r.caller_name = x.caller.name;
    r.member = x.caller.account;
    r.remote_address = x.request.remote_address;
    r.user_agent = access::loggable(x.request.header("user-agent").value_or(""), kUserAgentBytesMax);
    r.errors = x.error_fields;
    settings_.recorder->record(std::move(r));
  } catch (std::exception const& e) {
    // Out of memory, at most: an answer is worth more than its row.
    log::warning("api_log.not_recorded", {{"request_id", x.request.request_id}, {"what", e.what()}});
  }
}

std::string Pipeline::fresh_request_id() {
  char digits[16];
  auto end = std::to_chars(digits, digits + sizeof digits, id_counter_.fetch_add(1, std::memory_order_relaxed), 16).ptr;
  return id_prefix_ + std::string(digits, end);
}

std::string_view Pipeline::cors_origin_of(Exchange const& x) const {
  if (settings_.cors_origins.empty() || x.family == api::Family::secure_auth) return {};
  auto origin = x.request.header("origin");
  if (!origin) return {};
  auto found = std::find(settings_.cors_origins.begin(), settings_.cors_origins.end(), *origin);
  return found == settings_.cors_origins.end() ? std::string_view() : std::string_view(*found);
}

std::int64_t Pipeline::deadline_of(Exchange const& x) const {
  // An upload takes as long as its client needs; progress timeouts bound it.
  if (x.plan == BodyPlan::stream) return std::numeric_limits<std::int64_t>::max();
  return steady_now_ms() + settings_.limits.request_deadline_ms;
}

api::Response Pipeline::answer(api::Request request) {
  Exchange x;
  x.head.method = api::to_string(request.method);
  x.head.target = std::move(request.target);
  x.head.headers = std::move(request.headers);
  x.head.content_length = static_cast<std::int64_t>(request.body.size());
  x.request = std::move(request);
  open(x);
  if (!x.answered) {
    x.deadline_steady_ms = deadline_of(x);
    std::latch done(1);
    run(x, [&done] { done.count_down(); });
    done.wait();
  }
  close(x);
  if (x.response.stream && has_body(x.response.status)) end_stream(x, StreamEnd::complete, 0);
  return std::move(x.response);
}

}  // namespace fealty::http

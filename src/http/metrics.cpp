#include "http/metrics.h"
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <shared_mutex>

namespace fealty::http {
namespace {

// Seconds. Most answers take a millisecond or two; uploads take minutes.
prometheus::Histogram::BucketBoundaries const kDurationBuckets = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                                  0.25,  0.5,    1,     2.5,  10,    60,   600};
constexpr std::array<char const*, 6> kStatusClasses = {"other", "1xx", "2xx", "3xx", "4xx", "5xx"};
constexpr std::size_t kMethods = 8;  // those of api::Method, and "other"

std::size_t index_of(std::optional<api::Method> method) { return method ? static_cast<std::size_t>(*method) : kMethods - 1; }

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

// Looked up once a request: the registry's own look-up by labels hashes every label and takes a lock.
struct RouteNumbers {
  prometheus::Histogram* duration = nullptr;
  std::array<std::array<prometheus::Counter*, kStatusClasses.size()>, kMethods> requests{};
};

struct CallbackGauge {
  std::string name, help;
  std::map<std::string, std::string> labels;
  std::function<double()> read;
};

}  // namespace

struct Metrics::Parts {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& requests =
      prometheus::BuildCounter().Name("fealty_http_requests_total").Help("Requests answered.").Register(registry);
  prometheus::Family<prometheus::Histogram>& durations = prometheus::BuildHistogram()
                                                             .Name("fealty_http_request_duration_seconds")
                                                             .Help("From the end of a request's head to its answer.")
                                                             .Register(registry);
  prometheus::Family<prometheus::Counter>& rejected = prometheus::BuildCounter()
                                                          .Name("fealty_http_rejected_total")
                                                          .Help("Requests and connections turned away before a handler ran.")
                                                          .Register(registry);
  prometheus::Gauge& in_flight = prometheus::BuildGauge()
                                     .Name("fealty_http_requests_in_flight")
                                     .Help("Requests whose head was read and whose answer is not ready.")
                                     .Register(registry)
                                     .Add({});
  prometheus::Gauge& connections =
      prometheus::BuildGauge().Name("fealty_http_connections").Help("Open connections.").Register(registry).Add({});

  std::shared_mutex routes_mutex;
  std::unordered_map<std::string, std::unique_ptr<RouteNumbers>, TextHash, std::equal_to<>> routes;

  std::mutex gauges_mutex;
  std::map<std::uint64_t, CallbackGauge> gauges;
  std::uint64_t next_number = 1;

  // Pointers into the registry stay valid for its life.
  std::pair<prometheus::Counter*, prometheus::Histogram*> numbers_of(std::string_view route_id, std::optional<api::Method> method,
                                                                     std::size_t status_class) {
    std::size_t m = index_of(method);
    {
      std::shared_lock lock(routes_mutex);
      auto found = routes.find(route_id);
      if (found != routes.end() && found->second->requests[m][status_class])
        return {found->second->requests[m][status_class], found->second->duration};
    }
    std::lock_guard lock(routes_mutex);
    auto& numbers = routes[std::string(route_id)];
    std::string route(route_id);
    if (!numbers) {
      numbers = std::make_unique<RouteNumbers>();
      numbers->duration = &durations.Add({{"route", route}}, kDurationBuckets);
    }
    auto& counter = numbers->requests[m][status_class];
    if (!counter) {
      std::string method_name(method ? api::to_string(*method) : "other");
      counter = &requests.Add({{"route", route}, {"method", method_name}, {"status", kStatusClasses[status_class]}});
    }
    return {counter, numbers->duration};
  }
};

Metrics::Metrics() : parts_(std::make_unique<Parts>()) {}
Metrics::~Metrics() = default;

std::string Metrics::render() const {
  auto families = parts_->registry.Collect();
  {
    std::lock_guard lock(parts_->gauges_mutex);
    std::map<std::string_view, std::size_t> at;  // gauges of one name are one family
    for (auto const& [number, gauge] : parts_->gauges) {
      auto [found, is_new] = at.try_emplace(gauge.name, families.size());
      if (is_new) families.push_back({gauge.name, gauge.help, prometheus::MetricType::Gauge, {}});
      auto& metric = families[found->second].metric.emplace_back();
      for (auto const& [name, value] : gauge.labels) metric.label.push_back({name, value});
      metric.gauge.value = gauge.read();
    }
  }
  return prometheus::TextSerializer().Serialize(families);
}

Metrics::Registration& Metrics::Registration::operator=(Registration&& other) noexcept {
  std::swap(metrics_, other.metrics_);
  std::swap(number_, other.number_);
  return *this;
}

Metrics::Registration::~Registration() {
  if (!metrics_) return;
  std::lock_guard lock(metrics_->parts_->gauges_mutex);
  metrics_->parts_->gauges.erase(number_);
}

Metrics::Registration Metrics::add_gauge(std::string name, std::string help, std::map<std::string, std::string> labels,
                                         std::function<double()> read) {
  std::lock_guard lock(parts_->gauges_mutex);
  std::uint64_t number = parts_->next_number++;
  parts_->gauges.emplace(number, CallbackGauge{std::move(name), std::move(help), std::move(labels), std::move(read)});
  return Registration(this, number);
}

void Metrics::request_began() { parts_->in_flight.Increment(); }

void Metrics::request_ended(std::string_view route_id, std::optional<api::Method> method, int status, std::int64_t duration_us) {
  parts_->in_flight.Decrement();
  std::size_t status_class = status >= 100 && status < 600 ? static_cast<std::size_t>(status / 100) : 0;
  auto [counter, duration] = parts_->numbers_of(route_id, method, status_class);
  counter->Increment();
  duration->Observe(static_cast<double>(duration_us) / 1e6);
}

void Metrics::connection_opened() { parts_->connections.Increment(); }
void Metrics::connection_closed() { parts_->connections.Decrement(); }
void Metrics::rejected(std::string_view reason) { parts_->rejected.Add({{"reason", std::string(reason)}}).Increment(); }

}  // namespace fealty::http

// The numbers that operators watch, in Prometheus' text format. Only the source sees prometheus-cpp.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include "api/http_types.h"

namespace fealty::http {

// All functions may be called from any thread. Must outlive the servers and the gauges' registrations.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(Metrics const&) = delete;
  Metrics& operator=(Metrics const&) = delete;

  // Content type "text/plain; version=0.0.4; charset=utf-8".
  std::string render() const;

  // A gauge lives as long as its registration: after its end `read` is not called any more.
  class Registration {
   public:
    Registration() = default;
    Registration(Registration&& other) noexcept : metrics_(std::exchange(other.metrics_, nullptr)), number_(other.number_) {}
    Registration& operator=(Registration&& other) noexcept;
    ~Registration();

   private:
    friend class Metrics;
    Registration(Metrics* metrics, std::uint64_t number) : metrics_(metrics), number_(number) {}
    Metrics* metrics_ = nullptr;
    std::uint64_t number_ = 0;
  };
  // `read` is called by render(), on its thread; it must not render or register. Gauges of one name need different labels.
  [[nodiscard]] Registration add_gauge(std::string name, std::string help, std::map<std::string, std::string> labels,
                                       std::function<double()> read);

  // The transport's own.
  void request_began();
  void request_ended(std::string_view route_id, std::optional<api::Method> method, int status, std::int64_t duration_us);
  void connection_opened();
  void connection_closed();
  // A request or connection that was turned away: "queue_full", "uploads_full", "bodies_full", "connections_full", "draining", "malformed".
  void rejected(std::string_view reason);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace fealty::http

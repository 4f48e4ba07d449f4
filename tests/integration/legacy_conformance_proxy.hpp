// An HTTP relay on loopback that does to single requests what a Fault says.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "tests/integration/legacy_conformance_world.hpp"
#include "tests/unit/legacy_raw_server.hpp"

namespace banyan::legacy::conformance {

// Serves one request per connection, from any number of threads. The system behind it must obey "Connection: close".
class FaultProxy {
public:
  // `is_write`: whether a request, given whole, has an effect; nullopt: neither kind (a login), never disturbed.
  using Classify = std::function<std::optional<bool>(const std::string& request)>;

  FaultProxy(std::uint16_t target_port, Classify is_write)
      : target_port_(target_port), is_write_(std::move(is_write)), server_([this](auto& client) { serve(client); }) {}

  std::string url() const { return server_.url(); }

  void disturb_next(bool write, Fault fault) {
    const std::lock_guard lock(mutex_);
    waiting_[write] = fault;
  }
  void disturb_nothing() {
    const std::lock_guard lock(mutex_);
    waiting_.clear();
  }

private:
  using Connection = testing_support::Connection;

  void serve(Connection& client) {
    const std::string request = closing(client.read_request());
    if (request.empty()) return;
    const auto fault = fault_for(request);
    if (fault == Fault::lost_request) return;
    if (fault == Fault::silence) return client.wait_for_close();
    std::string answer = ask(request);
    if (!fault) {
      client.send(answer);
    } else if (fault == Fault::html) {
      client.send(whole("text/html", "<html><body>Maintenance</body></html>"));
    } else if (fault == Fault::other_json) {
      client.send(whole("application/json", R"([{"shape": ["of", {"something": 7}]}, null])"));
    } else if (fault == Fault::cut_answer) {
      client.send(answer.substr(0, answer.size() - 1 - (answer.size() - answer.find("\r\n\r\n") - 4) / 2));
    }
  }

  std::optional<Fault> fault_for(const std::string& request) {
    const auto write = is_write_(request);
    if (!write) return std::nullopt;
    const std::lock_guard lock(mutex_);
    const auto found = waiting_.find(*write);
    if (found == waiting_.end()) return std::nullopt;
    const Fault fault = found->second;
    waiting_.erase(found);
    return fault;
  }

  static std::string whole(const std::string& type, const std::string& body) {
    return "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: " + type +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }

  static std::string closing(std::string request) {
    const std::string keep = "Connection: Keep-Alive";
    const auto at = request.find(keep);
    return at == std::string::npos ? request : request.replace(at, keep.size(), "Connection: close");
  }

  std::string ask(const std::string& request) const {
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(target_port_);
    std::string answer;
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
      Connection(socket).send(request);
      char bytes[65536];
      for (auto got = ::recv(socket, bytes, sizeof bytes, 0); got > 0; got = ::recv(socket, bytes, sizeof bytes, 0)) {
        answer.append(bytes, static_cast<std::size_t>(got));
      }
    }
    ::close(socket);
    return answer;
  }

  std::uint16_t target_port_;
  Classify is_write_;
  std::mutex mutex_;
  std::map<bool, Fault> waiting_;
  testing_support::RawServer server_;
};

}  // namespace banyan::legacy::conformance

#include "sinew/proxy/exchange/worker_context.hpp"

#include "sinew/proxy/exchange/exchange.hpp"

namespace sinew::proxy {

WorkerContext::WorkerContext(async::Runtime& on, ExchangeObserver& told, WorkerGauges& counted)
    : runtime(on), observer(told), gauges(counted) {}

WorkerContext::~WorkerContext() = default;

}  // namespace sinew::proxy

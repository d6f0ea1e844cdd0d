-- Posts one file over and over, and prints the result as JSON.
function init(arguments)
  local file = assert(io.open(arguments[1], 'rb'))
  wrk.method = 'POST'
  wrk.body = file:read('*a')
  file:close()
  wrk.headers['Content-Type'] = 'application/json'
  if arguments[2] == 'true' then wrk.headers['Connection'] = 'close' end
  request_text = wrk.format()
end

function request()
  return request_text
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    'result {"requests":%d,"seconds":%.6f,"failures":%d,"p50Milliseconds":%.3f,"p99Milliseconds":%.3f}',
    summary.requests,
    summary.duration / 1e6,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50) / 1000,
    latency:percentile(99) / 1000
  ))
end

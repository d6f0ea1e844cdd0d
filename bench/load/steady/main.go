// Sends one review at a fixed rate, whatever becomes of those before, as an API server would: with Go's HTTP client, as many
// idle connections kept as client-go keeps, and each request given up after its timeout. Prints the result as JSON.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"sync"
	"time"
)

const (
	// Of one host. Source: client-go transport/cache.go, idleConnsPerHost.
	idleConnections = 25
	// What an API server has in work at most, of all kinds together, before it turns requests away itself.
	// Source: kube-apiserver, --max-requests-inflight and --max-mutating-requests-inflight.
	inFlight = 600
)

type result struct {
	Sent              int     `json:"sent"`
	Held              int     `json:"held"`
	Answered          int     `json:"answered"`
	AnsweredPerSecond float64 `json:"answeredPerSecond"`
	Shed              int     `json:"shed"`
	Unconnected       int     `json:"unconnected"`
	Unanswered        int     `json:"unanswered"`
	Failed            int     `json:"failed"`
	Longest           float64 `json:"longestMilliseconds"`
	Connections       int     `json:"connections"`
	OwnDelay          float64 `json:"ownDelayMilliseconds"`
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func main() {
	url := flag.String("url", "", "where to send, without timeout")
	ca := flag.String("ca", "", "file with the authority")
	bodyFile := flag.String("body", "", "file with the review")
	rate := flag.Float64("rate", 100, "requests a second")
	seconds := flag.Float64("seconds", 5, "how long")
	timeout := flag.Duration("timeout", time.Second, "of each request")
	flag.Parse()

	pem, err := os.ReadFile(*ca)
	if err != nil {
		log.Fatal(err)
	}
	body, err := os.ReadFile(*bodyFile)
	if err != nil {
		log.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		log.Fatalf("%s: no certificate", *ca)
	}
	var mutex sync.Mutex
	var all result
	meanwhile := 0
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	client := &http.Client{Transport: &http.Transport{
		// HTTP/1.1, as an API server speaks it to webhooks that are not on its own machine.
		TLSClientConfig:     &tls.Config{RootCAs: roots, NextProtos: []string{"http/1.1"}},
		TLSHandshakeTimeout: 10 * time.Second,
		MaxIdleConnsPerHost: idleConnections,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			mutex.Lock()
			all.Connections++
			mutex.Unlock()
			return dialer.DialContext(ctx, network, address)
		},
	}}
	target := fmt.Sprintf("%s?timeout=%s", *url, *timeout)
	length := time.Duration(*seconds * float64(time.Second))
	began := time.Now()

	one := func() {
		ctx, cancel := context.WithTimeout(context.Background(), *timeout)
		defer cancel()
		var connected time.Time
		trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected = time.Now() }}
		request, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), "POST", target, bytes.NewReader(body))
		if err != nil {
			log.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		response, err := client.Do(request)
		status := 0
		if err == nil {
			status = response.StatusCode
			_, err = io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}
		now := time.Now()
		mutex.Lock()
		defer mutex.Unlock()
		if err == nil {
			all.Longest = max(all.Longest, milliseconds(now.Sub(connected)))
		}
		switch {
		case err == nil && status == 200:
			all.Answered++
			if now.Sub(began) <= length {
				meanwhile++
			}
		case err == nil && status == 503:
			all.Shed++
		case ctx.Err() != nil && connected.IsZero():
			all.Unconnected++
		case ctx.Err() != nil:
			all.Unanswered++
		default:
			all.Failed++
		}
	}

	var open sync.WaitGroup
	seats := make(chan struct{}, inFlight)
	for last := began; ; {
		now := time.Now()
		if now.Sub(began) >= length {
			break
		}
		all.OwnDelay = max(all.OwnDelay, milliseconds(now.Sub(last)))
		last = now
		for due := int(now.Sub(began).Seconds() * *rate); all.Sent+all.Held < due; {
			select {
			case seats <- struct{}{}:
				all.Sent++
				open.Go(func() { one(); <-seats })
			default:
				all.Held++
			}
		}
		time.Sleep(time.Millisecond)
	}
	open.Wait()
	// Connections may still be opened whose requests were given up.
	mutex.Lock()
	defer mutex.Unlock()
	all.AnsweredPerSecond = float64(meanwhile) / *seconds
	if err := json.NewEncoder(os.Stdout).Encode(all); err != nil {
		log.Fatal(err)
	}
}

package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport/broker"
	"lanewarden/edge/journal"
	"lanewarden/sync/hub"
	"lanewarden/sync/uplink"
	"lanewarden/sync/wire"
)

// BenchmarkDrain fills a journal with 1,000,000 observations (LANEWARDEN_DRAIN of them), lets it drain into an empty hub
// with its embedded broker, all in this process, and publishes observations one by one with QoS 1 through the same broker,
// a hundred in flight, which the broker does not sync. "of-single" is the ratio of the two rates: 3 or more. "of-bare" is
// that to the bare pipeline of the same parts (bare_test.go) on the same journal, by the time of day, 0.8 or more, and
// "of-bare-processor" by processor time, which other work on the machine changes less.
func BenchmarkDrain(b *testing.B) {
	rows, err := strconv.Atoi(os.Getenv("LANEWARDEN_DRAIN"))
	if err != nil {
		rows = 1_000_000
	}
	dir := b.TempDir()
	j, err := journal.Open(dir+"/agent", journal.Options{Site: "bench", Agent: "a"})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	fillJournal(b, j, rows)
	address, feed := freeAddress(b), freeAddress(b)
	quiet := slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() {
		if err := hub.Run(ctx, hub.Options{Dir: dir + "/hub", HTTP: feed, MQTT: address, Log: quiet}); err != nil {
			b.Error(err)
		}
	})
	for {
		if resp, err := http.Get("http://" + feed + "/healthz"); err == nil {
			resp.Body.Close()
			break
		}
		<-time.After(20 * time.Millisecond)
	}
	single := publishSingly(b, address, 20_000)
	up, err := uplink.New(j, uplink.Options{Paths: uplink.Direct(wire.Broker{URL: "mqtt://" + address, KeepAlive: 20 * time.Second}), Log: quiet})
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	took := measured(b, func() {
		wg.Go(func() { up.Run(ctx) })
		for j.Acked(observation.Class_CLASS_TELEMETRY) < j.Last(observation.Class_CLASS_TELEMETRY) || j.Acked(observation.Class_CLASS_EVENT) < j.Last(observation.Class_CLASS_EVENT) {
			<-time.After(5 * time.Millisecond)
		}
	})
	b.StopTimer()
	s := up.Status()
	rate := float64(rows) / took.wall.Seconds()
	bare := bareDrain(b, filepath.Join(dir, "agent", journal.FileName), dir)
	b.ReportMetric(float64(rows)/bare.wall.Seconds(), "bare-rows/s")
	b.ReportMetric(bare.wall.Seconds()/took.wall.Seconds(), "of-bare")
	b.ReportMetric(bare.processor.Seconds()/took.processor.Seconds(), "of-bare-processor")
	b.ReportMetric(float64(took.processor.Nanoseconds())/float64(rows), "processor-ns/row")
	b.ReportMetric(rate, "rows/s")
	b.ReportMetric(single, "single/s")
	b.ReportMetric(rate/single, "of-single")
	b.ReportMetric(float64(s.SentBytes)/float64(rows), "wire-bytes/row")
	b.ReportMetric(float64(s.SentRows)/float64(rows), "sent/row")
}

// fillJournal commits background telemetry with an event now and then.
func fillJournal(b *testing.B, j *journal.Journal, rows int) {
	const group = 1000
	for n := 0; n < rows; n += group {
		obs := make([]*observation.Observation, min(group, rows-n))
		for i := range obs {
			k := int32(n + i)
			obs[i] = observation.New(observation.Class_CLASS_TELEMETRY, time.UnixMilli(1_800_000_000_000+int64(k)*5000), &observation.RadiationBackground{
				Gamma: []int32{240 + k%17, 250 + k%13, 245 + k%11, 255 + k%19}, Neutron: []int32{k % 3, k % 2, 1, k % 4},
			})
			if k%100 == 0 {
				obs[i] = observation.New(observation.Class_CLASS_EVENT, time.UnixMilli(1_800_000_000_000+int64(k)*5000), &observation.DeviceState{State: 2, Reason: fmt.Sprint(k)})
			}
			obs[i].Device = "rpm-1"
		}
		if _, err := j.Commit(context.Background(), obs...); err != nil {
			b.Fatal(err)
		}
	}
}

// publishSingly returns how many messages of an observation's size go through a broker per second with QoS 1.
func publishSingly(b *testing.B, address string, n int) float64 {
	o, err := wire.Broker{URL: "mqtt://" + address, KeepAlive: 20 * time.Second}.Options("single")
	if err != nil {
		b.Fatal(err)
	}
	c := mqtt.NewClient(o)
	if err := broker.Wait(c.Connect(), 10*time.Second); err != nil {
		b.Fatal(err)
	}
	defer c.Disconnect(100)
	payload := make([]byte, 60)
	var flying []mqtt.Token
	begin := time.Now()
	for range n {
		if len(flying) == 100 {
			if err := broker.Wait(flying[0], 10*time.Second); err != nil {
				b.Fatal(err)
			}
			flying = flying[1:]
		}
		flying = append(flying, c.Publish("bench/single", 1, false, payload))
	}
	for _, t := range flying {
		if err := broker.Wait(t, 10*time.Second); err != nil {
			b.Fatal(err)
		}
	}
	return float64(n) / time.Since(begin).Seconds()
}

package peers

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"lanewarden/drivers/observation"
	"lanewarden/drivers/transport/wait"
)

// Settings by docs/CONFIGURATION.md of Telegraf 1.37 and the README of its plugin outputs.http.
var telegrafKind = Kind{
	Name: "Telegraf " + telegrafVersion,
	Settings: []string{
		`buffer_strategy "disk" (which its manual calls experimental), metric_buffer_limit as large as the backlog, ` +
			`metric_batch_size 10000, flush_interval 1s.`,
		"At most 50,000 observations: its disk buffer syncs each metric alone, so that more take too long to hand over.",
		"socket_listener with line protocol at the lane; outputs.http with gzip to the writer, which answers when the batch is durable.",
	},
	Missing: func(ctx context.Context) error { _, err := telegrafProgram(ctx); return err },
	New:     func() Peer { return &telegraf{} },
	Most:    telegrafMost,
}

// telegrafMost bounds the backlog of Telegraf: its buffer syncs each metric alone (models/buffer_disk.go, tidwall/wal
// without NoSync), some thousands a second at best, so that a million would take an hour to hand over.
const telegrafMost = 50_000

// telegraf is Telegraf at the lane, whose output posts to the writer.
type telegraf struct{}

const (
	telegrafVersion = "v1.37.2"
	// telegrafTags choose the plugins that are built (tools/custom_builder of Telegraf): all of them take an hour.
	telegrafTags = "custom,inputs.socket_listener,outputs.http,parsers.influx,serializers.influx"
	// telegrafBuild is how long the build may take: 4.5 minutes on two cores, with the download.
	telegrafBuild = 15 * time.Minute
)

// telegrafProgram returns the path of Telegraf, which is built when it is not there yet: into a folder of its own in the
// user's cache, as it is none of this module's dependencies.
func telegrafProgram(ctx context.Context) (string, error) {
	path, err := telegrafPath()
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	ctx, cancel := context.WithTimeout(ctx, telegrafBuild)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "install", "-tags", telegrafTags,
		"github.com/influxdata/telegraf/cmd/telegraf@"+telegrafVersion)
	cmd.Env = append(os.Environ(), "GOBIN="+filepath.Dir(path))
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building it here (within %s): %w: %s", telegrafBuild, err, lastLine(out))
	}
	return path, nil
}

// telegrafPath is where the build puts it.
func telegrafPath() (string, error) {
	cache, err := os.UserCacheDir()
	return filepath.Join(cache, "lanewarden", "telegraf-"+telegrafVersion, "telegraf"), err
}

// lastLine is the last line of a program's output, where it says what is wrong.
func lastLine(out []byte) []byte {
	out = bytes.TrimSpace(out)
	return out[bytes.LastIndexByte(out, '\n')+1:]
}

// telegrafConf has the folder of the buffer, the address of the input and that of the link.
const telegrafConf = `
[agent]
  flush_interval = "1s"
  flush_jitter = "0s"
  metric_batch_size = 10000
  metric_buffer_limit = 10000000
  buffer_strategy = "disk"
  buffer_directory = "%s"
  omit_hostname = true

[[inputs.socket_listener]]
  service_address = "tcp://%s"
  data_format = "influx"

[[outputs.http]]
  url = "http://%s/"
  data_format = "influx"
  content_encoding = "gzip"
  timeout = "30s"
`

// Start implements Peer.
func (t *telegraf) Start(ctx context.Context, r *rig) error {
	program, err := telegrafProgram(ctx)
	if err != nil {
		return err
	}
	if err := r.writer("http://" + r.centre); err != nil {
		return err
	}
	text := fmt.Sprintf(telegrafConf, r.path(atLane), r.lane, r.link.From)
	if err := os.WriteFile(r.path("telegraf.conf"), []byte(text), 0o600); err != nil {
		return err
	}
	_, err = r.part(atLane, "telegraf", program, []string{"--config", r.path("telegraf.conf")})
	return err
}

// Fill implements Peer. The input answers nothing: that it has read everything shows when it closes the connection
// after us.
func (t *telegraf) Fill(ctx context.Context, r *rig, from, to int) error {
	c, err := dialLater(ctx, r.lane)
	if err != nil {
		return err
	}
	defer c.Close()
	w := bufio.NewWriterSize(c, 64<<10)
	for ; from < to; from++ {
		if _, err := w.Write(line(numbered(from))); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	c.Read(make([]byte, 1))
	return ctx.Err()
}

// dialLater connects to a program that may still be starting.
func dialLater(ctx context.Context, address string) (c net.Conn, err error) {
	for begin := time.Now(); time.Since(begin) < proofTime; {
		if c, err = net.Dial("tcp", address); err == nil {
			return c, nil
		}
		if err := wait.For(ctx, writerRetry); err != nil {
			return nil, err
		}
	}
	return nil, err
}

// line is an observation in InfluxDB's line protocol.
func line(o *observation.Observation) []byte {
	var b []byte
	if s := o.Body.GetDeviceState(); s != nil {
		b = fmt.Appendf(b, "state,device=%s state=%di,reason=%q", o.Device, s.State, s.Reason)
	} else {
		m := o.Body.GetRadiationBackground()
		b = fmt.Appendf(b, "background,device=%s ", o.Device)
		for i := range m.Gamma {
			b = fmt.Appendf(b, "gamma%d=%di,neutron%d=%di,", i+1, m.Gamma[i], i+1, m.Neutron[i])
		}
		b = b[:len(b)-1]
	}
	return fmt.Appendf(b, " %d\n", o.TimeNs)
}

// lineTime returns the time in a line, ns since 1970.
func lineTime(b []byte) (ns int64, ok bool) {
	ns, err := strconv.ParseInt(string(b[bytes.LastIndexByte(b, ' ')+1:]), 10, 64)
	return ns, err == nil
}

// Arrivals implements Peer.
func (t *telegraf) Arrivals(r *rig) (arrivals, error) { return openLog(r.log(), lineTime) }

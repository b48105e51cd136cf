package simulate

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"lanewarden/cmd/internal/cli"
	"lanewarden/drivers/message"
)

// demo runs a hub, and agents and simulated devices of some sites on this machine.
type demo struct {
	dir, bin string
	scenario string // of the only site; "" for those of demoSites
	sites    []*site
	p        cli.Printer
	screen   *cli.Screen

	used atomic.Int64 // bytes below dir
	full atomic.Bool  // that is all it may use
}

// Limits and addresses of a demonstration. It may run for days, so that its disk use is bounded.
const (
	demoHub    = "127.0.0.1:8490"
	demoMQTT   = "127.0.0.1:18830"
	stopTime   = 5 * time.Second // for a program to end after SIGTERM
	demoBudget = 1e9             // bytes of disk that a demonstration uses
	demoFresh  = demoBudget / 2  // an earlier demonstration that used more is not gone on with

	demoPassword = "lanewarden" // of all accounts, each named after its role
)

// demoCommand runs the demonstration until Ctrl-C.
func demoCommand() *cobra.Command {
	d := &demo{}
	c := &cobra.Command{
		Use: "demo", Short: "help.demo", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d.p, d.screen = cli.Print(cmd), cli.NewScreen(cmd.OutOrStdout())
			return d.run(cmd.Context())
		},
	}
	c.Flags().StringVar(&d.dir, "dir", ".run", "help.flag.demo.dir")
	c.Flags().StringVar(&d.scenario, "scenario", "", "help.flag.demo.scenario")
	c.Flags().StringVar(&d.bin, "bin", filepath.Dir(os.Args[0]), "help.flag.bin")
	return c
}

// run runs the demonstration until ctx ends or one of its programs does. Ports are tried first: the
// programs' own errors would only be in their logs. The hub is stopped last, so that it receives
// what the agents send while they stop.
func (d *demo) run(ctx context.Context) error {
	d.sites = sitesOf(d.scenario, d.dir)
	if err := d.free(); err != nil {
		return err
	}
	if err := d.clear(); err != nil {
		return err
	}
	for _, s := range d.sites {
		if err := d.prepare(ctx, s); err != nil {
			return err
		}
	}
	d.welcome()
	g, ctx := errgroup.WithContext(ctx)
	hubCtx, stopHub := context.WithCancel(context.WithoutCancel(ctx)) // it hears the agents' last words
	g.Go(func() error {
		return d.program(hubCtx, d.dir, "lanehub", "run", "--dir", filepath.Join(d.dir, "hub"),
			"--http", demoHub, "--mqtt", demoMQTT)
	})
	g.Go(func() error {
		defer stopHub()
		return d.runAgents(ctx)
	})
	for _, s := range d.sites {
		g.Go(func() error { return s.lane.run(ctx) })
		g.Go(func() error { return d.events(ctx, s) })
	}
	g.Go(func() error { return d.report(ctx) })
	err := g.Wait()
	d.p.Say("sim.stopped")
	return err
}

// runAgents runs the agents of all sites, and the links of those that are elsewhere, until ctx ends.
func (d *demo) runAgents(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, s := range d.sites {
		stopped := make(chan struct{}) // the link carries the agent's last words
		g.Go(func() error {
			defer close(stopped)
			return d.program(ctx, s.dir, "laned", "run", s.file(), "--telemetry-delay", "5s")
		})
		if s.broker() != demoMQTT { // the first site has the hub's own address
			g.Go(func() error { return d.carry(s, stopped) })
		}
	}
	return g.Wait()
}

// free returns an error when one of the addresses is taken. The programs themselves will listen there.
func (d *demo) free() error {
	addresses := []string{demoHub, demoMQTT}
	for _, s := range d.sites {
		addresses = append(addresses, s.console())
	}
	for _, address := range addresses {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return message.Wrap(err, "sim.taken", message.String("address", address))
		}
		l.Close()
	}
	return nil
}

// welcome prints where everything is, the hub's pages first, and how much disk it may use.
func (d *demo) welcome() {
	hub := "http://" + demoHub
	d.p.Say("sim.demo-pages", message.String("url", hub+"/"))
	for _, s := range d.sites {
		d.p.Say("sim.demo-site", message.String("url", "http://"+s.console()+"/"), message.String("title", s.title))
	}
	d.p.Say("sim.demo-accounts", message.String("password", demoPassword))
	d.p.Say("sim.demo-feed", message.String("curl", "curl -N '"+hub+"/v1/feed?wait=30s'"))
	d.p.Say("sim.demo-hub", message.String("hub", hub))
	d.p.Say("sim.demo-status", message.String("command", "bin/lanectl status --socket "+d.sites[0].socket()))
	d.p.Say("sim.demo-logs", message.String("folder", d.dir))
	d.p.Say("sim.demo-disk", message.String("folder", d.dir), cli.Size("budget", demoBudget))
}

// clear deletes the state of an earlier demonstration in the same folder if that used much of the
// disk; else it is continued.
func (d *demo) clear() error {
	used := usedBytes(d.dir)
	if used < demoFresh {
		return nil
	}
	d.p.Say("sim.cleared", message.String("folder", d.dir), cli.Size("size", used))
	err := os.RemoveAll(filepath.Join(d.dir, "hub"))
	for _, s := range d.sites {
		for _, name := range []string{"agent", "n42", "xray", "trace"} {
			err = errors.Join(err, os.RemoveAll(filepath.Join(s.dir, name)))
		}
	}
	return err
}

// program runs a program until ctx ends, and then stops it with SIGTERM, which has stopTime to
// work. Its log is in dir. One that ends by itself ends the demonstration, with the last of its log as the error.
// Pdeathsig stops it also if this process is killed.
func (d *demo) program(ctx context.Context, dir, name string, args ...string) error {
	log, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.CommandContext(ctx, filepath.Join(d.bin, name), args...)
	cmd.Stdout, cmd.Stderr = log, log
	// Ctrl-C reaches them through us, once
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	// A program that does not stop by then is killed.
	cmd.WaitDelay = stopTime
	err = cmd.Run()
	if ctx.Err() != nil {
		return nil
	}
	return errors.Join(message.Wrap(err, "sim.ended", message.String("program", name)), errors.New(lastLines(log.Name())))
}

// lastLines returns the last 2000 bytes of a log, or why it cannot be read.
func lastLines(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}

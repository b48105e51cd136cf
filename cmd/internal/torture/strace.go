package torture

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// calls are the system calls that fail, one or all of them at a time.
var calls = []string{"fsync", "fdatasync", "pwrite64", "fsync,fdatasync,pwrite64"}

// straceLimit is how long strace stays with a program that calls none of those.
const straceLimit = 4 * time.Second

// failWrites has system calls of a program fail with EIO, as a dying disk does, until some did.
func (r *rig) failWrites(ctx context.Context, f fault, rng *rand.Rand) (injected int, err error) {
	p, log := r.process(f.target), r.path("strace.log")
	if !p.Runs() {
		return 0, nil
	}
	set := calls[rng.IntN(len(calls))]
	when := fmt.Sprintf("%d+%d", 1+rng.IntN(3), 1+rng.IntN(3))
	cmd := exec.CommandContext(ctx, "strace", "-f", "-qq", "-p", strconv.Itoa(p.PID()), "-o", log, "-e", "trace="+set,
		"-e", "signal=none", "-e", "inject="+set+":error=EIO:when="+when)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	var words bytes.Buffer
	cmd.Stderr = &words
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait() // strace ends as its program does, or by the signal below
		close(ended)
	}()
	for begin := time.Now(); injected == 0 && time.Since(begin) < straceLimit; {
		if err := sleep(ctx, min(f.length, straceLimit)/2); err != nil {
			break
		}
		injected = countInjected(log)
	}
	cmd.Process.Signal(syscall.SIGINT) // it lets go of the program
	select {
	case <-ended:
	case <-time.After(straceLimit): // it hangs when the program ends while it attaches or detaches
		cmd.Process.Kill()
		<-ended
	}
	injected = countInjected(log)
	fmt.Fprintf(r.log, "  %d calls of %s failed %s\n", injected, set, bytes.TrimSpace(words.Bytes()))
	return injected, nil
}

// countInjected counts the calls that strace had fail.
func countInjected(log string) int {
	b, err := os.ReadFile(log)
	if err != nil { // strace has not attached yet
		return 0
	}
	return bytes.Count(b, []byte("(INJECTED)"))
}

package dimse

import (
	"bytes"
	gocontext "context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lanewarden/drivers/driver/drivertest/peer"
	"lanewarden/drivers/xray/dicom"
)

// store keeps objects as files in memory, by instance.
type store struct {
	mu    sync.Mutex
	files map[string][]byte
	fail  error
}

func (s *store) keep(_ gocontext.Context, o Object) error {
	var b bytes.Buffer
	if err := dicom.WriteMeta(&b, o.Class, o.Instance, o.Syntax); err != nil {
		return err
	}
	if _, err := io.Copy(&b, o.Data); err != nil {
		return err
	}
	if _, err := dicom.ReadHeader(bytes.NewReader(b.Bytes())); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	s.files[o.Instance] = b.Bytes()
	return nil
}

func (s *store) refuse(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

func (s *store) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.files)
}

// serve runs a server until the test ends and returns its port.
func serve(t testing.TB, s *store, aeTitle string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := gocontext.WithCancel(gocontext.Background())
	done := make(chan error, 1)
	server := &Server{AETitle: aeTitle, Store: s.keep, Log: slog.New(slog.DiscardHandler)}
	go func() { done <- server.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, gocontext.Canceled) {
			t.Errorf("Serve: %v", err)
		}
	})
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// associate encodes an association request for a class with explicit little endian.
func associate(called, class string) []byte {
	b := []byte{0, 1, 0, 0}
	b = fmt.Appendf(b, "%-16s%-16s", called, "TEST")
	b = append(b, make([]byte, 32)...)
	b = appendItem(b, itemApplication, []byte(application)...)
	ctx := appendItem([]byte{1, 0, 0, 0}, itemAbstract, []byte(class)...)
	ctx = appendItem(ctx, itemTransfer, []byte(dicom.ExplicitLE)...)
	b = appendItem(b, itemContextRQ, ctx...)
	b = appendItem(b, itemUser, appendItem(nil, itemMaxLength, 0, 0, 0x40, 0)...)
	var out bytes.Buffer
	writePDU(&out, pduAssociateRQ, b)
	return out.Bytes()
}

// storeMessage encodes a C-STORE of a data set in fragments of a size.
func storeMessage(class, instance string, data []byte, size int) []byte {
	set := command{class: class, instance: instance}.reply(0, "") // the same elements, made into a request below
	var cmd []byte
	for b := set; len(b) > 0; {
		n := 8 + int(binary.LittleEndian.Uint32(b[4:]))
		el := bytes.Clone(b[:n])
		switch binary.LittleEndian.Uint16(el[2:]) {
		case 0x0100:
			binary.LittleEndian.PutUint16(el[8:], cmdStoreRQ)
		case 0x0120:
			binary.LittleEndian.PutUint16(el[2:], 0x0110)
			binary.LittleEndian.PutUint16(el[8:], 7)
		case 0x0800:
			binary.LittleEndian.PutUint16(el[8:], 0)
		}
		cmd, b = append(cmd, el...), b[n:]
	}
	var out bytes.Buffer
	part := func(control byte, p []byte) {
		head := binary.BigEndian.AppendUint32(nil, uint32(len(p)+2))
		writePDU(&out, pduData, append(head, 1, control), p)
	}
	part(controlCommand|controlLast, cmd)
	for len(data) > size {
		part(0, data[:size])
		data = data[size:]
	}
	part(controlLast, data)
	return out.Bytes()
}

const tdr = "1.2.840.10008.5.1.4.1.1.501.3"

// dataSet is a small sound data set in explicit little endian, without meta group.
func dataSet(t testing.TB) []byte {
	syntax, _ := dicom.SyntaxOf(dicom.ExplicitLE)
	var whole, meta bytes.Buffer
	f := &dicom.File{Syntax: syntax, Dataset: dicom.Dataset{
		dicom.Text(dicom.SOPClassUID, "UI", tdr), dicom.Text(dicom.SOPInstanceUID, "UI", "1.2.3.4"),
		dicom.Text(0x40101031, "CS", "ALARM"),
		{Tag: 0x40101099, VR: "OB", Value: make([]byte, 5000)},
	}}
	if err := errors.Join(dicom.Write(&whole, f, nil), dicom.WriteMeta(&meta, tdr, "1.2.3.4", syntax)); err != nil {
		t.Fatal(err)
	}
	return whole.Bytes()[meta.Len():]
}

func dial(t testing.TB, port string) net.Conn {
	c, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

// receive reads a PDU.
func receive(t testing.TB, c net.Conn) (byte, []byte) {
	t.Helper()
	kind, n, err := readHeader(c)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(c, b); err != nil {
		t.Fatal(err)
	}
	return kind, b
}

func status(t testing.TB, pdu []byte) Status {
	t.Helper()
	for b := pdu[6:]; len(b) >= 8; b = b[8+binary.LittleEndian.Uint32(b[4:]):] {
		if binary.LittleEndian.Uint16(b[2:]) == 0x0900 {
			return Status(binary.LittleEndian.Uint16(b[8:]))
		}
	}
	t.Fatal("answer without status")
	return 0
}

func TestStoreIsAnsweredAfterItIsStored(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	s := &store{files: map[string][]byte{}}
	t.Run("", func(t *testing.T) {
		c := dial(t, serve(t, s, "LANE"))
		defer c.Close()
		c.Write(associate("LANE", tdr))
		if kind, _ := receive(t, c); kind != pduAssociateAC {
			t.Fatalf("answer %02x", kind)
		}
		data := dataSet(t)
		for i, size := range []int{1 << 16, 1000, 7, 1} {
			instance := fmt.Sprint("1.2.3.", i)
			c.Write(storeMessage(tdr, instance, data, size))
			_, answer := receive(t, c)
			if got := status(t, answer); got != Success || s.count() != i+1 {
				t.Fatalf("fragments of %d: status %04x, %d stored", size, got, s.count())
			}
			if !bytes.HasSuffix(s.files[instance], data) {
				t.Errorf("fragments of %d: other bytes were stored", size)
			}
		}
		c.Write(storeMessage(tdr, "bad", []byte("garbage that is no data set....."), 10))
		if _, answer := receive(t, c); status(t, answer) != CannotUnderstand {
			t.Errorf("garbage: status %04x", status(t, answer))
		}
		s.refuse(errors.New("journal is full"))
		c.Write(storeMessage(tdr, "refused", data, 1000))
		if _, answer := receive(t, c); status(t, answer) != OutOfResources {
			t.Errorf("refusing store: status %04x", status(t, answer))
		}
		c.Write(storeMessage("1.2.840.10008.5.1.4.1.1.501.1", "other class", data, 1000))
		if _, answer := receive(t, c); status(t, answer) != NotSupported {
			t.Errorf("class of another context: status %04x", status(t, answer))
		}
		writePDU(c, pduReleaseRQ, make([]byte, 4))
		if kind, _ := receive(t, c); kind != pduReleaseRP || s.count() != 4 {
			t.Errorf("release: %02x, %d stored", kind, s.count())
		}
	})
}

// A peer may vanish, or abort, at any byte: nothing of the object under way is stored, and the next association works.
func TestBreakingOffAtAnyByte(t *testing.T) {
	s := &store{files: map[string][]byte{}}
	port := serve(t, s, "")
	request := associate("X", tdr)
	whole := append(bytes.Clone(request), storeMessage(tdr, "cut", dataSet(t), 2000)...)
	for n := 0; n < len(whole); n += 1 + n/40 {
		for _, abort := range []bool{false, true} {
			c := dial(t, port)
			c.Write(whole[:n])
			if abort {
				writePDU(c, pduAbort, make([]byte, 4))
			}
			c.Close()
		}
	}
	var c net.Conn
	for { // the broken ones may still count as open for a moment, and the answer then is "busy"
		c = dial(t, port)
		c.Write(request)
		if kind, _ := receive(t, c); kind == pduAssociateAC {
			break
		}
		c.Close()
	}
	defer c.Close()
	c.Write(storeMessage(tdr, "whole", dataSet(t), 2000))
	if _, answer := receive(t, c); status(t, answer) != Success || s.count() != 1 {
		t.Errorf("%d objects stored", s.count())
	}
}

func TestRejections(t *testing.T) {
	port := serve(t, &store{files: map[string][]byte{}}, "LANE")
	noVersion, otherApplication := associate("LANE", tdr),
		bytes.Replace(associate("LANE", tdr), []byte(application), []byte("1.2.840.10008.3.1.1.9"), 1)
	noVersion[7] = 0
	for name, c := range map[string]struct {
		request []byte
		want    []byte
	}{
		"wrong AE title":      {associate("ELSEWHERE", tdr), rejectAETitle},
		"protocol version":    {noVersion, rejectVersion},
		"application context": {otherApplication, rejectContext},
	} {
		conn := dial(t, port)
		conn.Write(c.request)
		if kind, b := receive(t, conn); kind != pduAssociateRJ || !bytes.Equal(b, c.want) {
			t.Errorf("%s: %02x %x", name, kind, b)
		}
		conn.Close()
	}
	conn := dial(t, port)
	defer conn.Close()
	conn.Write(associate("LANE", "1.2.840.10008.5.1.4.1.1.2")) // a CT of a hospital
	if kind, b := receive(t, conn); kind != pduAssociateAC || !bytes.Contains(b, []byte{1, 0, 3, 0}) {
		t.Errorf("unknown class: %02x %x", kind, b)
	}
}

func TestHostilePDUs(t *testing.T) {
	port := serve(t, &store{files: map[string][]byte{}}, "")
	request := string(associate("X", tdr))
	for name, in := range map[string]string{
		"unknown PDU":           "\x99\x00\x00\x00\x00\x00",
		"request of 4 GB":       "\x01\x00\xff\xff\xff\xff",
		"data before a request": "\x04\x00\x00\x00\x00\x00",
		"item longer than PDU": "\x01\x00\x00\x00\x00\x4c" + request[6:6+fixedLength] +
			"\x20\x00\xff\xff\x00\x00\x00\x00",
		"HTTP":                  "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"data of 4 GB":          request + "\x04\x00\xff\xff\xff\xff",
		"fragment over its PDU": request + "\x04\x00\x00\x00\x00\x08\x00\x00\xff\xff\x01\x03ab",
		"data without command":  request + "\x04\x00\x00\x00\x00\x08\x00\x00\x00\x04\x01\x02ab",
		"command garbage":       request + "\x04\x00\x00\x00\x00\x08\x00\x00\x00\x04\x01\x03ab",
		"context not accepted": request +
			string(bytes.ReplaceAll(storeMessage(tdr, "x", nil, 9), []byte("\x01\x03"), []byte("\x05\x03"))),
	} {
		c := dial(t, port)
		io.WriteString(c, in)
		rest, err := io.ReadAll(c) // ends with an abort and the connection's end, in time
		if err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil && (len(rest) < 10 || rest[len(rest)-10] != pduAbort) {
			t.Errorf("%s: answered with %x", name, rest)
		}
		c.Close()
	}
}

// TestDcmtk lets echoscu and storescu, which others wrote, talk to us.
func TestDcmtk(t *testing.T) {
	peer.Need(t, peer.Dcmtk)
	s := &store{files: map[string][]byte{}}
	port := serve(t, s, "LANE")
	dir := t.TempDir()
	run := func(want bool, name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if (err == nil) != want {
			t.Errorf("%s %v: %v\n%s", name, args, err, out)
		}
		return string(out)
	}
	run(true, "echoscu", "-aec", "LANE", "127.0.0.1", port)
	if out := run(false, "echoscu", "-aec", "ELSEWHERE", "127.0.0.1", port); !strings.Contains(out,
		"Called AE Title Not Recognized") {
		t.Errorf("echoscu with a wrong title: %s", out)
	}
	const images = 8
	sums := map[string][32]byte{}
	for i := range images {
		instance := fmt.Sprint("1.2.826.0.1.3680043.10.1.", i+1)
		syntax, _ := dicom.SyntaxOf(dicom.ExplicitLE)
		pixels := bytes.Repeat([]byte{byte(i), 1}, 1<<20)
		var b bytes.Buffer
		err := dicom.Write(&b, &dicom.File{Syntax: syntax, Dataset: dicom.Dataset{
			dicom.Text(dicom.SOPClassUID, "UI", "1.2.840.10008.5.1.4.1.1.501.2.1"),
			dicom.Text(dicom.SOPInstanceUID, "UI", instance),
			{Tag: dicom.PixelData, VR: "OW", Length: int64(len(pixels))},
		}}, bytes.NewReader(pixels))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, fmt.Sprint(i, ".dcs")), b.Bytes(), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		sums[instance] = sha256.Sum256(pixels)
	}
	var wg sync.WaitGroup
	for i := range images { // as many associations at once
		wg.Go(func() { run(true, "storescu", "-R", "-aec", "LANE", "127.0.0.1", port, fmt.Sprint(i, ".dcs")) })
	}
	wg.Wait()
	for instance, want := range sums {
		var pixels bytes.Buffer
		if _, err := dicom.Read(bytes.NewReader(s.files[instance]), dicom.DefaultLimits, &pixels); err != nil ||
			sha256.Sum256(pixels.Bytes()) != want {
			t.Errorf("%s: %d bytes of pixels, %v", instance, pixels.Len(), err)
		}
	}
	s.refuse(errors.New("journal is full"))
	if out := run(false, "storescu", "-v", "-R", "-aec", "LANE", "127.0.0.1", port, "0.dcs"); !strings.Contains(out,
		"OutOfResources") {
		t.Errorf("storescu was not told A700: %s", out)
	}
}

func FuzzAssociation(f *testing.F) {
	f.Add(associate("X", tdr)[6:], storeMessage(tdr, "1.2.3", []byte("\x08\x00\x60\x00CS\x02\x00DX"), 4)[12:80])
	f.Fuzz(func(t *testing.T, request, set []byte) {
		if r, err := decodeRequest(request); err == nil {
			a := &association{Server: &Server{}}
			for i := range r.contexts {
				a.choose(&r.contexts[i])
			}
			r.accept()
		}
		if c, err := decodeCommand(set); err == nil {
			c.reply(OutOfResources, "why")
		}
	})
}

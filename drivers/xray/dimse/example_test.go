package dimse_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"

	"lanewarden/drivers/xray/dicom"
	"lanewarden/drivers/xray/dimse"
)

// A scanner stores a report. It is told that the object is stored only after Store returned.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	server := &dimse.Server{
		AETitle: "LANE",
		Log:     slog.New(slog.DiscardHandler),
		Store: func(_ context.Context, o dimse.Object) error {
			data, err := io.ReadAll(o.Data)
			if err == nil {
				fmt.Printf("%s stores %s: %d bytes, %s\n", o.CallingAE, o.Instance, len(data), o.Syntax.Name)
			}
			return err
		},
	}
	served := make(chan error)
	go func() { served <- server.Serve(ctx, listener) }()

	if status, err := store(ctx, listener.Addr().String()); err != nil {
		fmt.Println(err)
	} else {
		fmt.Println("stored:", status == dimse.Success)
	}
	cancel()
	<-served
	// Output:
	// SCANNER stores 1.2.3.4: 54 bytes, explicit VR little endian
	// stored: true
}

// store sends one report of threats and returns the answer to it.
func store(ctx context.Context, address string) (dimse.Status, error) {
	const class, instance = "1.2.840.10008.5.1.4.1.1.501.3", "1.2.3.4"
	syntax, _ := dicom.SyntaxOf(dicom.ExplicitLE)
	var data bytes.Buffer
	err := dicom.WriteDataset(&data, &dicom.File{Syntax: syntax, Dataset: dicom.Dataset{
		dicom.Text(dicom.SOPClassUID, "UI", class),
		dicom.Text(dicom.SOPInstanceUID, "UI", instance),
	}}, nil)
	if err != nil {
		return 0, err
	}
	client, err := dimse.Dial(ctx, address, "SCANNER", "LANE", dimse.Offer{Class: class, Syntax: syntax.UID})
	if err != nil {
		return 0, err
	}
	status, _, err := client.Store(dimse.Object{Class: class, Instance: instance, Syntax: syntax, Data: &data})
	if err != nil {
		return 0, err
	}
	return status, client.Close()
}

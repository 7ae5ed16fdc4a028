// A replica whose elector is client-go's: contends for the same Lease as ours, prints the same lines.
package main

import (
	"context"
	"encoding/json"
	"os"
	"os/signal"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

type settings struct {
	Kubeconfig      string `json:"kubeconfig"`
	Namespace       string `json:"namespace"`
	Name            string `json:"name"`
	Identity        string `json:"identity"`
	LeaseDurationMs int    `json:"leaseDurationMs"`
	RenewDeadlineMs int    `json:"renewDeadlineMs"`
	RetryPeriodMs   int    `json:"retryPeriodMs"`
}

func say(event string) {
	line, _ := json.Marshal(map[string]any{"at": float64(time.Now().UnixNano()) / 1e6, "event": event})
	os.Stdout.Write(append(line, '\n'))
}

func main() {
	var s settings
	if err := json.Unmarshal([]byte(os.Args[1]), &s); err != nil {
		panic(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", s.Kubeconfig)
	if err != nil {
		panic(err)
	}
	client := kubernetes.NewForConfigOrDie(config)
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	lock := &resourcelock.LeaseLock{
		LeaseMeta:  metav1.ObjectMeta{Namespace: s.Namespace, Name: s.Name},
		Client:     client.CoordinationV1(),
		LockConfig: resourcelock.ResourceLockConfig{Identity: s.Identity},
	}
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	say("started")
	for ctx.Err() == nil {
		leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
			Lock:            lock,
			LeaseDuration:   ms(s.LeaseDurationMs),
			RenewDeadline:   ms(s.RenewDeadlineMs),
			RetryPeriod:     ms(s.RetryPeriodMs),
			ReleaseOnCancel: true,
			Callbacks: leaderelection.LeaderCallbacks{
				OnStartedLeading: func(context.Context) { say("elected") },
				// also called by one that never led
				OnStoppedLeading: func() { say("lost") },
			},
		})
	}
	say("stopped")
}

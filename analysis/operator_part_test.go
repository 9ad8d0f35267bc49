package analysis

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPartsOfCustomResources pins what each part of a resource is called, runs as, and
// needs: "name account verdict patterns".
func TestPartsOfCustomResources(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		object string
		want   []string
	}{
		"Kafka with brokers of its own": {"apiVersion: kafka.strimzi.io/v1beta2\nkind: Kafka\nmetadata: {name: c}\nspec: {kafka: {replicas: 3}, zookeeper: {replicas: 3}, entityOperator: {topicOperator: {}}, kafkaExporter: {}}", []string{
			"c/brokers c-kafka needs-token c-kafka-*",
			"c/entity-operator c-entity-operator needs-token c-entity-operator-*",
			"c/exporter c-kafka-exporter no-token c-kafka-exporter-*",
			"c/zookeeper c-zookeeper no-token c-zookeeper-*",
		}},
		"Kafka of node pools": {"apiVersion: kafka.strimzi.io/v1\nkind: Kafka\nmetadata: {name: c}\nspec: {kafka: {template: {pod: {}, serviceAccount: {}}}, cruiseControl: {}}\n---\napiVersion: kafka.strimzi.io/v1\nkind: KafkaNodePool\nmetadata: {name: pool, labels: {strimzi.io/cluster: c}}\nspec: {replicas: 3}", []string{
			"c/cruise-control c-cruise-control no-token c-cruise-control-*",
			"pool c-kafka needs-token c-pool-*",
		}},
		"clients of Kafka": {"apiVersion: kafka.strimzi.io/v1\nkind: KafkaConnect\nmetadata: {name: c}\nspec: {build: {}}\n---\napiVersion: kafka.strimzi.io/v1\nkind: KafkaMirrorMaker2\nmetadata: {name: m}\nspec: {}\n---\napiVersion: kafka.strimzi.io/v1\nkind: KafkaTopic\nmetadata: {name: t}\nspec: {replicas: 3}", []string{
			"c c-connect needs-token c-connect-*",
			"m m-mirrormaker2 needs-token m-mirrormaker2-*",
		}},
		"PostgreSQL of Zalando with backups": {"apiVersion: acid.zalan.do/v1\nkind: postgresql\nmetadata: {name: z}\nspec: {enableLogicalBackup: true}", []string{
			"z postgres-pod needs-token z-*",
			"z/backup postgres-pod needs-token logical-backup-z-*",
		}},
		"Spark on a schedule": {"apiVersion: sparkoperator.k8s.io/v1beta2\nkind: ScheduledSparkApplication\nmetadata: {name: s}\nspec: {schedule: '@daily', template: {driver: {serviceAccount: spark}}}", []string{
			"s spark needs-token s-*",
		}},
		"leaders with workers": {"apiVersion: leaderworkerset.x-k8s.io/v1\nkind: LeaderWorkerSet\nmetadata: {name: l}\nspec: {leaderWorkerTemplate: {leaderTemplate: {spec: {containers: [{name: c, image: i}]}}, workerTemplate: {spec: {serviceAccountName: w, containers: [{name: c, image: i, command: [kubectl, get]}]}}}}", []string{
			"l/leader default no-token l-*",
			"l/worker w needs-token l-*",
		}},
		"PostgreSQL of Crunchy": {"apiVersion: postgres-operator.crunchydata.com/v1beta1\nkind: PostgresCluster\nmetadata: {name: hippo}\nspec: {instances: [{name: a}], proxy: {pgBouncer: {}}, backups: {pgbackrest: {repos: [{name: repo1, volume: {}, schedules: {full: x}}]}}}", []string{
			"hippo/backups hippo-pgbackrest needs-token hippo-backup-* hippo-repo1-full-*",
			"hippo/instances hippo-instance needs-token hippo-a-*",
			"hippo/pgbouncer default no-token hippo-pgbouncer-*",
			"hippo/repo-host default no-token hippo-repo-host-*",
		}},
		"collector with its allocator": {"apiVersion: opentelemetry.io/v1beta1\nkind: OpenTelemetryCollector\nmetadata: {name: o}\nspec: {mode: statefulset, targetAllocator: {enabled: true}, config: {}}", []string{
			"o o-collector no-token o-collector-*",
			"o/target-allocator o-targetallocator needs-token o-targetallocator-*",
		}},
		"a mesh and its gateways": {"apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata: {name: i}\nspec: {components: {ingressGateways: [{name: public, enabled: true}], cni: {enabled: true}, ztunnel: {enabled: false}}}", []string{
			"i istiod needs-token istiod-*",
			"i/cni istio-cni needs-token istio-cni-node-*",
			"i/ingress-gateways public-service-account no-token public-*",
		}},
		"Argo CD": {"apiVersion: argoproj.io/v1beta1\nkind: ArgoCD\nmetadata: {name: a}\nspec: {applicationSet: {}}\n---\napiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: x}\nspec: {}", []string{
			"a/application-controller a-argocd-application-controller needs-token a-application-controller-*",
			"a/applicationset-controller a-applicationset-controller needs-token a-applicationset-controller-*",
			"a/redis a-argocd-redis no-token a-redis-*",
			"a/repo-server default no-token a-repo-server-*",
			"a/server a-argocd-server needs-token a-server-*",
		}},
		"VictoriaMetrics": {"apiVersion: operator.victoriametrics.com/v1beta1\nkind: VMAgent\nmetadata: {name: v}\nspec: {serviceAccountName: me}\n---\napiVersion: operator.victoriametrics.com/v1beta1\nkind: VMCluster\nmetadata: {name: v}\nspec: {vmstorage: {}, vmselect: {}}\n---\napiVersion: operator.victoriametrics.com/v1beta1\nkind: VMAlert\nmetadata: {name: v}\n---\napiVersion: operator.victoriametrics.com/v1beta1\nkind: VMRule\nmetadata: {name: r}", []string{
			"v me needs-token vmagent-v-*",
			"v vmalert-v no-token vmalert-v-*",
			"v/vmselect vmcluster-v no-token vmselect-v-*",
			"v/vmstorage vmcluster-v no-token vmstorage-v-*",
		}},
		"the token switched off": {"apiVersion: operator.victoriametrics.com/v1beta1\nkind: VMAgent\nmetadata: {name: v}\nspec: {disableAutomountServiceAccountToken: true}", []string{
			"v vmagent-v review vmagent-v-*",
		}},
		"PostgreSQL of Zalando with a pooler": {"apiVersion: acid.zalan.do/v1\nkind: postgresql\nmetadata: {name: z}\nspec: {enableConnectionPooler: true}", []string{
			"z postgres-pod needs-token z-*",
			"z/pooler postgres-pod no-token z-pooler-*",
		}},
		"kinds of groups that make no pods otherwise": {"apiVersion: sparkoperator.k8s.io/v1beta2\nkind: SparkApplication\nmetadata: {name: s}\nspec: {driver: {serviceAccount: spark}}\n---\napiVersion: jobset.x-k8s.io/v1alpha2\nkind: JobSet\nmetadata: {name: j}\nspec: {replicatedJobs: [{name: work, template: {spec: {template: {spec: {containers: [{name: c, image: i}]}}}}}]}\n---\napiVersion: mattermost.com/v1alpha1\nkind: ClusterInstallation\nmetadata: {name: m}", []string{
			"m m no-token m-*",
			"j default no-token j-*",
			"s spark needs-token s-driver",
		}},
		"databases": {"apiVersion: mongodbcommunity.mongodb.com/v1\nkind: MongoDBCommunity\nmetadata: {name: d}\nspec: {members: 3}\n---\napiVersion: clickhouse.altinity.com/v1\nkind: ClickHouseInstallation\nmetadata: {name: h}", []string{
			"h default no-token chi-h-*",
			"d mongodb-database needs-token d-*",
		}},
		"a chart installed by a Job": {"apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {name: x}\nspec: {}", []string{"x helm-x needs-token helm-install-x-*"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, j := range Judge(setOf(t, c.object), JudgeOptions{}) {
				w := j.Workload
				got = append(got, strings.Join(append([]string{w.Name, w.ServiceAccount, string(j.Verdict)}, PodPatterns(w)...), " "))
				mustCover(t, PodPatterns(w), w.Pods)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestPartsOfAUsersTable(t *testing.T) {
	t.Parallel()
	part := func(name string, needs Need) Operator {
		return Operator{Group: "kafka.strimzi.io", Kind: "Kafka", Part: name, Pods: []OperatorPods{{Kind: "Deployment", Name: "{name}-" + name}}, Needs: needs, Reason: "said so"}
	}
	got := Judge(setOf(t, "apiVersion: kafka.strimzi.io/v1\nkind: Kafka\nmetadata: {name: c}\nspec: {kafka: {replicas: 1}}"),
		JudgeOptions{Operators: []Operator{part("a", NeedYes), part("b", NeedNo)}})
	if len(got) != 2 || got[0].Verdict != NeedsToken || got[1].Verdict != NoToken {
		t.Errorf("%d workloads", len(got))
	}
}

func TestExplicitTrueOfCustomResources(t *testing.T) {
	t.Parallel()
	const on = "{podTemplate: {spec: {automountServiceAccountToken: true}}}"
	runVerdicts(t, map[string]verdictCase{
		"nothing behind it": {"apiVersion: kibana.k8s.elastic.co/v1\nkind: Kibana\nmetadata: {name: web}\nspec: " + on, "review low", "explicit-true", ""},
		"a role behind it": {"apiVersion: kibana.k8s.elastic.co/v1\nkind: Kibana\nmetadata: {name: web}\nspec: {podTemplate: {spec: {automountServiceAccountToken: true, serviceAccountName: web}}}\n" + bound,
			"needs-token high", "bound-role", ""},
	})
}

// TestPartsThatNeedATokenAreAllowedAlone pins that the patterns of the parts that need
// a token do not hit those that need none, though their names begin alike.
func TestPartsThatNeedATokenAreAllowedAlone(t *testing.T) {
	t.Parallel()
	set := setOf(t, "apiVersion: kafka.strimzi.io/v1beta2\nkind: Kafka\nmetadata: {name: c}\nspec: {kafka: {replicas: 3}, kafkaExporter: {}}\n---\napiVersion: acid.zalan.do/v1\nkind: postgresql\nmetadata: {name: z}\nspec: {enableConnectionPooler: true}")
	var got []string
	for _, plan := range Plan(PlanInput{Set: set, Judgements: Judge(set, JudgeOptions{}), Listing: &Listing{}}) {
		for _, c := range plan.Changes {
			if c.Pattern != "" {
				got = append(got, string(c.Kind)+" "+c.Pattern)
			}
		}
	}
	if diff := cmp.Diff([]string{"allow c-kafka-?", "allow z-?"}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

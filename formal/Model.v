(* The model: what is maximised, and over what. The formulas are those of docs/model.md, docs/servers.md and docs/targets.md.

   R are the real numbers, and all numbers here are exact. `Record` names the parts of a thing, `Definition` gives a
   formula, f k l is f(k, l), /\ is 'and'. A list ls holds the tokens of all types, in the order of the types. *)

Require Export Reals List.
Export ListNotations.
Open Scope R_scope.

Record type := Type_ {  (* one type of task *)
  prior : R;            (* pi: its share of the queries *)
  A : R; b : R; D : R;  (* accuracy A (1 - e^(-b l)) + D at l tokens *)
  t0 : R; c : R;        (* mean service time t0 + c l, in seconds *)
  s0 : R; s1 : R;       (* standard deviation of the service time, s0 + s1 l; 0 where times do not vary *)
  m : R;                (* tokens of the prompt *)
  cap : R }.            (* most tokens that it may think *)

Inductive law := OneAtATime             (* first come, first served: Pollaczek and Khinchine *)
               | Shares (sigma sigma0 : R).  (* all at once: a token and an overhead take these shares of the server *)

Record workload := Workload { types : list type; lambda : R (* arrivals a second *); alpha : R (* seconds *); server : law }.

(* sum of f k x over the types k, each with the x that a list holds for it; and the mean, sum of pi f k x *)
Fixpoint total {X} (f : type -> X -> R) (ks : list type) (xs : list X) : R :=
  match ks, xs with k :: ks, x :: xs => f k x + total f ks xs | _, _ => 0 end.
Definition mean {X} (f : type -> X -> R) (W : workload) (xs : list X) : R := total (fun k x => prior k * f k x) (types W) xs.

Definition accuracy k l := A k * (1 - exp (- b k * l)) + D k.                                 (* p *)
Definition time k l := t0 k + c k * l.                                                        (* t *)
Definition deviation k l := s0 k + s1 k * l.                                                  (* s *)
Definition service W ls := mean time W ls.                                                    (* E[S] *)
Definition square W ls := mean (fun k l => time k l ^ 2 + deviation k l ^ 2) W ls.            (* E[S^2] *)
Definition T0 W := total (fun k _ => prior k * t0 k) (types W) (types W).                     (* sum of pi t0 *)
Definition thinking W ls := mean (fun k l => c k * l) W ls.                                   (* C, sum of pi c l *)
Definition utilisation W ls := lambda W * match server W with                                 (* rho *)
  | OneAtATime => service W ls | Shares sigma sigma0 => sigma0 * T0 W + sigma * thinking W ls end.
Definition idle W ls := 1 - utilisation W ls.                                                 (* y *)
Definition system_time W ls := match server W with                                            (* E[T] *)
  | OneAtATime => service W ls + lambda W * square W ls / (2 * idle W ls) | Shares _ _ => service W ls / idle W ls end.
Definition wait W ls := system_time W ls - service W ls.                                      (* E[W] *)
Definition kv_tokens W ls := lambda W * mean (fun k l => m k * t0 k + c k * (m k * l + l ^ 2 / 2)) W ls
  / match server W with OneAtATime => 1 | Shares _ _ => idle W ls end.                        (* E[KV] *)

(* the objective, and the allocations: tokens in their range, and a server that keeps up *)
Definition J W ls := alpha W * mean accuracy W ls - system_time W ls.
Definition feasible W ls := Forall2 (fun k l => 0 <= l <= cap k) (types W) ls /\ 0 < idle W ls.

(* targets: limits (None: there is none), least accuracies (0: none), rows (a, limit) with sum of a l <= limit *)
Inductive goal := TradeOff | AccuracyAlone.
Record targets := Targets { objective : goal; max_system_time : option R; max_wait : option R; max_utilisation : option R;
  max_tokens : option R; max_kv_tokens : option R; least_accuracies : list R; rows : list (list R * R) }.
Definition at_most value limit := match limit with Some most => value <= most | None => True end.
Fixpoint dot (xs ls : list R) := match xs, ls with x :: xs, l :: ls => x * l + dot xs ls | _, _ => 0 end.
Definition meets T W ls :=
  at_most (system_time W ls) (max_system_time T) /\ at_most (wait W ls) (max_wait T) /\
  at_most (utilisation W ls) (max_utilisation T) /\ at_most (mean (fun _ l => l) W ls) (max_tokens T) /\
  at_most (kv_tokens W ls) (max_kv_tokens T) /\
  Forall2 (fun k '(q, l) => q <= accuracy k l) (types W) (combine (least_accuracies T) ls) /\
  Forall (fun '(a, limit) => dot a ls <= limit) (rows T).
Definition J_of T W ls := match objective T with TradeOff => J W ls | AccuracyAlone => mean accuracy W ls end.

(* curves with a lag: the first tokens gain nothing; the mean of several workloads; whole tokens *)
Definition late k '(lag, l) := A k * (1 - exp (- b k * Rmax 0 (l - lag))) + D k.
Definition J_lagged lags W ls := alpha W * mean late W (combine lags ls) - system_time W ls.
Definition J_mean Ws ls := fold_right Rplus 0 (map (fun W => J W ls) Ws) / INR (length Ws).
Definition whole ls := exists ns : list Z, ls = map IZR ns.

(* what every workload file is held to *)
Definition proper W := Forall (fun k => 0 < prior k /\ 0 < A k /\ 0 < b k /\ 0 <= D k /\ 0 <= t0 k /\ 0 < c k) (types W) /\
  0 < lambda W /\ 0 < alpha W.

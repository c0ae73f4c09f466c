(* Curves with a lag: the bound of one leaf, and that the leaves cover all allocations. `least` and `cover` of
   cvxtoken/verifier/lagged.py. *)

Require Import Lra Lia Psatz Bool.
From formal Require Export Instance.

(* a type is off (no more tokens than the lag), on (no fewer), free to be either; or its lag is never passed *)
Inductive choice := Off | On | Free | Never.
Definition allows ch lag l := match ch with Off => l <= lag | On => lag <= l | Free | Never => True end.

Definition with_cap k x := Type_ (prior k) (A k) (b k) (D k) (t0 k) (c k) (s0 k) (s1 k) (m k) x.
Record late_offer := Late { price_late : price; lag_late : R; choice_late : choice; corner_late : corner; x_late : R }.
Definition lost k (lag l : R) := A k * exp (- b k * Rmax 0 (l - lag)).

Lemma least_off : forall k G r lag l, 0 <= r -> 0 <= l <= lag -> G <= G * exp (- b k * Rmax 0 (l - lag)) + r * l.
Proof. intros. rewrite Rmax_left by lra. rewrite Rmult_0_r, exp_0. nra. Qed.

Lemma least_on : forall k G r lag at_ l, 0 < G -> 0 < b k -> lag <= l <= cap k ->
  least_holds (with_cap k (cap k - lag)) G r at_ ->
  r * lag + least (with_cap k (cap k - lag)) G r at_ <= G * exp (- b k * Rmax 0 (l - lag)) + r * l.
Proof.
  intros k G r lag at_ l HG Hb Hl H. rewrite Rmax_right by lra.
  pose proof (least_below (with_cap k (cap k - lag)) G r at_ (l - lag) HG Hb ltac:(simpl; lra) H) as B.
  change (- b (with_cap k (cap k - lag)) * (l - lag)) with (- b k * (l - lag)) in B. lra.
Qed.

Section Leaf.
Variables (W : workload) (L : form) (z0 Z : R).
Definition slope_late k i := delay_slope L W 1 0 0 Z k (price_late i).
Definition fixed_late k i := delay_fixed L W 1 0 0 Z k (price_late i).
Definition off_late k i := x_late i <= prior k * (fixed_late k i + alpha W * A k).
Definition on_late k i :=
  let k' := with_cap k (cap k - lag_late i) in
  least_holds k' (alpha W * A k) (slope_late k i) (corner_late i) /\
  x_late i <= prior k * (fixed_late k i + (slope_late k i * lag_late i + least k' (alpha W * A k) (slope_late k i) (corner_late i))).
Definition part_late k i := 0 <= slope_late k i /\ match choice_late i with
  | Off => off_late k i
  | On => on_late k i
  | Free => off_late k i /\ on_late k i
  | Never => cap k <= lag_late i /\ off_late k i
  end.
End Leaf.

Lemma part_below : forall W L Z k i l, 0 < prior k -> 0 < A k -> 0 < b k -> 0 < alpha W -> part_late W L Z k i -> 0 <= l <= cap k ->
  allows (choice_late i) (lag_late i) l ->
  x_late i <= prior k * (delay_parts L W 1 0 0 Z k (price_late i) l + alpha W * lost k (lag_late i) l).
Proof.
  intros W L Z k i l Hp HA Hb Ha (Hr & H) Hl Hal. set (G := alpha W * A k) in *.
  assert (HG : 0 < G) by (apply Rmult_lt_0_compat; assumption).
  assert (F : l <= lag_late i -> off_late W L Z k i -> x_late i <= prior k * (delay_parts L W 1 0 0 Z k (price_late i) l + alpha W * lost k (lag_late i) l)).
  { intros Hll H'. apply Rle_trans with (1 := H'). apply Rmult_le_compat_l; [lra|].
    pose proof (least_off k G (slope_late W L Z k i) (lag_late i) l Hr ltac:(lra)) as B.
    unfold delay_parts, fixed_late, slope_late, lost in *. fold G. replace (alpha W * (A k * exp (- b k * Rmax 0 (l - lag_late i)))) with (G * exp (- b k * Rmax 0 (l - lag_late i))) by (unfold G; ring). lra. }
  assert (N : lag_late i <= l -> on_late W L Z k i -> x_late i <= prior k * (delay_parts L W 1 0 0 Z k (price_late i) l + alpha W * lost k (lag_late i) l)).
  { intros Hll (Hh & H'). apply Rle_trans with (1 := H'). apply Rmult_le_compat_l; [lra|].
    pose proof (least_on k G (slope_late W L Z k i) (lag_late i) (corner_late i) l HG Hb ltac:(lra) Hh) as B.
    unfold delay_parts, fixed_late, slope_late, lost in *. replace (alpha W * (A k * exp (- b k * Rmax 0 (l - lag_late i)))) with (G * exp (- b k * Rmax 0 (l - lag_late i))) by (unfold G; ring). unfold G in *. lra. }
  destruct (choice_late i); simpl in Hal; [apply F; assumption | apply N; assumption | | apply F; [lra | tauto]].
  destruct (Rle_or_lt l (lag_late i)); [apply F; tauto | apply N; [lra | tauto]].
Qed.

Definition most_late W L z0 is := alpha W * mean (fun k _ => A k + D k) W is
  - delay_constant L W 1 z0 (coupling L W z0 (map price_late is)) - fold_right Rplus 0 (map x_late is).

Definition allowed lags cs ls := Forall2 (fun '(ch, lag) l => allows ch lag l) (combine cs lags) ls.

Lemma lost_parts : forall X W (is : list X) lags ls, length (types W) = length is -> length (types W) = length lags -> length (types W) = length ls ->
  mean late W (combine lags ls) = mean (fun k _ => A k + D k) W is - mean (fun k x => lost k (fst x) (snd x)) W (combine lags ls).
Proof.
  intros X W is lags ls Ei Eg El. unfold mean.
  rewrite (total_const _ _ (fun k => prior k * (A k + D k)) _ is (combine lags ls) Ei ltac:(rewrite combine_length; lia)).
  match goal with |- _ = ?a - ?b => replace (a - b) with (1 * a + -1 * b) by ring end. rewrite total_sum.
  apply total_eq. intros k [g l]; simpl. unfold lost. ring.
Qed.

Theorem late_bound : forall W L z0 is ls, proper W -> obeys W L -> feasible W ls -> length (types W) = length is ->
  Forall2 (part_late W L (coupling L W z0 (map price_late is))) (types W) is ->
  allowed (map lag_late is) (map choice_late is) ls ->
  J_lagged (map lag_late is) W ls <= most_late W L z0 is.
Proof.
  intros W L z0 is ls HW Ho (Hls & Hy) Ei Hpart Hal.
  pose proof (proper_priors W HW) as HT. destruct HW as (Hk & Hlam & Ha).
  pose proof (same_length _ _ _ _ _ Hls) as El.
  pose proof (delay_below W L 1 0 0 z0 (map price_late is) ls HT Hlam Ho ltac:(lra) ltac:(rewrite map_length; assumption) El Hy) as HD.
  unfold J_lagged, most_late. rewrite (lost_parts _ W is (map lag_late is) ls Ei ltac:(rewrite map_length; assumption) El).
  set (Z := coupling L W z0 (map price_late is)) in *.
  assert (HX : fold_right Rplus 0 (map x_late is) <=
    mean (fun k x => delay_parts L W 1 0 0 Z k (fst x) (snd x)) W (combine (map price_late is) ls)
    + alpha W * mean (fun k x => lost k (fst x) (snd x)) W (combine (map lag_late is) ls)).
  { clearbody Z. clear HD HT Ho Hy. unfold mean, allowed in *. clear El. revert is ls Ei Hpart Hls Hal.
    induction Hk as [|k ks (Hp & HA & Hb & _) Hk IH]; intros [|i is] [|l ls] Ei Hpart Hls Hal; simpl in *; try discriminate; try lra;
      try solve [inversion Hls].
    inversion Hpart; inversion Hls; inversion Hal; subst.
    specialize (IH is ls ltac:(lia) ltac:(assumption) ltac:(assumption) ltac:(assumption)).
    pose proof (part_below W L Z k i l Hp HA Hb Ha ltac:(assumption) ltac:(assumption) ltac:(assumption)). nra. }
  lra.
Qed.

(* a leaf that leaves nothing stable: at the lag of what is on, and at 0 tokens else, the server is full *)
Definition at_least_late ch (lag : R) := match ch with On => lag | _ => 0 end.
Lemma unstable : forall W L lags cs ls, proper W -> obeys W L -> 0 <= share L -> length (types W) = length lags -> length lags = length cs ->
  1 <= lambda W * (share0 L * T0 W + share L * thinking W (map (fun '(ch, lag) => at_least_late ch lag) (combine cs lags))) ->
  feasible W ls -> allowed lags cs ls -> False.
Proof.
  intros W L lags cs ls HW (_ & _ & Ho) Hs Eg Ec H (Hls & Hy) Hal. pose proof (same_length _ _ _ _ _ Hls) as El.
  destruct (Ho ls El Hy) as (Hi & _). destruct HW as (Hk & Hlam & _).
  assert (HC : thinking W (map (fun '(ch, lag) => at_least_late ch lag) (combine cs lags)) <= thinking W ls).
  { clear - Hk Hls Hal Eg Ec. unfold thinking, mean, allowed in *. revert lags cs ls Eg Ec Hls Hal.
    induction Hk as [|k ks (Hp & _ & _ & _ & _ & Hc) Hk IH]; intros [|g lags] [|ch cs] [|l ls] Eg Ec Hls Hal; simpl in *; try discriminate; try lra;
      try solve [inversion Hls].
    inversion Hls; inversion Hal; subst. specialize (IH lags cs ls ltac:(lia) ltac:(lia) ltac:(assumption) ltac:(assumption)).
    assert (at_least_late ch g <= l) by (destruct ch; simpl in *; lra).
    assert (0 < prior k * c k) by (apply Rmult_lt_0_compat; assumption). nra. }
  unfold idle_of in Hi.
  assert (lambda W * (share0 L * T0 W + share L * thinking W (map (fun '(ch, lag) => at_least_late ch lag) (combine cs lags)))
    <= lambda W * (share0 L * T0 W + share L * thinking W ls)).
  { apply Rmult_le_compat_l; [lra|]. apply Rplus_le_compat_l, Rmult_le_compat_l; assumption. }
  lra.
Qed.

(* every way for all types to be off or on agrees with a leaf *)
Definition is_free ch := match ch with Free | Never => true | _ => false end.
Definition agrees ch (on : bool) := match ch with Off => negb on | On => on | _ => true end.
Fixpoint covers (n : nat) (leaves : list (list choice)) : bool :=
  if existsb (forallb is_free) leaves then true else
  match n with
  | O => false
  | S n =>
    let rest on := covers n (flat_map (fun cs => match cs with ch :: cs => if agrees ch on then [cs] else [] | [] => [] end) leaves) in
    rest false && rest true
  end.

Lemma covered : forall n leaves (lags ls : list R), covers n leaves = true -> length lags = n -> length ls = n ->
  Forall (fun cs => length cs = n) leaves -> exists cs, In cs leaves /\ allowed lags cs ls.
Proof.
  assert (F : forall (cs : list choice) lags ls, forallb is_free cs = true -> length cs = length lags -> length lags = length ls ->
    Forall2 (fun '(ch, lag) l => allows ch lag l) (combine cs lags) ls).
  { induction cs as [|ch cs IH]; intros [|g lags] [|l ls]; simpl; intros H E1 E2; try discriminate; constructor.
    - destruct ch; simpl in *; try discriminate; exact I.
    - apply IH; try lia. destruct ch; simpl in *; try discriminate; assumption. }
  induction n as [|n IH]; intros leaves lags ls H Eg El Hn; simpl in H;
    destruct (existsb (forallb is_free) leaves) eqn:E.
  - apply existsb_exists in E. destruct E as (cs & Hin & Hf). exists cs. split; [assumption|]. apply F; [assumption| |lia].
    rewrite Forall_forall in Hn. rewrite (Hn cs Hin). lia.
  - discriminate.
  - apply existsb_exists in E. destruct E as (cs & Hin & Hf). exists cs. split; [assumption|]. apply F; [assumption| |lia].
    rewrite Forall_forall in Hn. rewrite (Hn cs Hin). lia.
  - apply andb_prop in H. destruct H as (H0 & H1). destruct lags as [|g lags], ls as [|l ls]; try discriminate. simpl in *.
    assert (S : forall on, covers n (flat_map (fun cs => match cs with ch :: cs => if agrees ch on then [cs] else [] | [] => [] end) leaves) = true ->
      (forall ch, agrees ch on = true -> allows ch g l) -> exists cs, In cs leaves /\ allowed (g :: lags) cs (l :: ls)).
    { intros on Hc Ha. destruct (IH _ lags ls Hc ltac:(lia) ltac:(lia)) as (cs & Hin & Hal).
      - rewrite Forall_forall in *. intros cs Hin. apply in_flat_map in Hin. destruct Hin as ([|ch cs'] & Hin & Hin'); [destruct Hin'|].
        destruct (agrees ch on); [|destruct Hin']. destruct Hin' as [->|[]]. specialize (Hn _ Hin). simpl in Hn. lia.
      - apply in_flat_map in Hin. destruct Hin as ([|ch cs'] & Hin & Hin'); [destruct Hin'|].
        destruct (agrees ch on) eqn:Eq; [|destruct Hin']. destruct Hin' as [->|[]]. exists (ch :: cs). split; [assumption|].
        unfold allowed. simpl. constructor; [apply Ha; assumption | assumption]. }
    destruct (Rle_or_lt l g) as [P|P].
    + apply (S false H0). intros ch Ech. destruct ch; simpl in *; try discriminate; try exact I; assumption.
    + apply (S true H1). intros ch Ech. destruct ch; simpl in *; try discriminate; try exact I; lra.
Qed.

Theorem certified_late : forall W lags leaves most, length (types W) = length lags ->
  covers (length lags) leaves = true -> Forall (fun cs => length cs = length lags) leaves ->
  Forall (fun cs => forall ls, feasible W ls -> allowed lags cs ls -> J_lagged lags W ls <= most) leaves ->
  forall ls, feasible W ls -> J_lagged lags W ls <= most.
Proof.
  intros W lags leaves most E Hc Hn Hl ls Hf. destruct (covered _ leaves lags ls Hc eq_refl) as (cs & Hin & Hal); [|assumption|].
  - rewrite <- E. symmetry. apply (same_length _ _ _ _ _ (proj1 Hf)).
  - rewrite Forall_forall in Hl. apply (Hl cs Hin); assumption.
Qed.

(* for exports: a leaf, its coupling between two numbers *)
Theorem certified_leaf : forall W L z0 is low high most ls, proper W -> obeys W L -> length (types W) = length is ->
  low <= coupling L W z0 (map price_late is) <= high ->
  (forall Z, low <= Z <= high -> Forall2 (part_late W L Z) (types W) is) ->
  (forall Z, low <= Z <= high ->
    alpha W * mean (fun k _ => A k + D k) W is - delay_constant L W 1 z0 Z - fold_right Rplus 0 (map x_late is) <= most) ->
  feasible W ls -> allowed (map lag_late is) (map choice_late is) ls -> J_lagged (map lag_late is) W ls <= most.
Proof.
  intros W L z0 is low high most ls HW Ho El HZ Hp Hs Hf Ha.
  apply Rle_trans with (1 := late_bound W L z0 is ls HW Ho Hf El (Hp _ HZ) Ha). apply Hs. exact HZ.
Qed.

(* the larger of 0 and the tokens above a lag, where both are numbers *)
Ltac larger := repeat match goal with |- context [Rmax 0 ?x] => first [rewrite (Rmax_right 0 x) by lra | rewrite (Rmax_left 0 x) by lra] end.

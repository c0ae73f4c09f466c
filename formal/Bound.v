(* Weak duality: no feasible allocation that meets the targets has an objective above `upper`, whatever prices and multipliers
   it is made with. The formulas of `separate` in cvxtoken/verifier/allocation.py. *)

Require Import Lra Lia Psatz.
From formal Require Export Least.

(* multipliers; one without its target counts as 0 *)
Record multipliers := Multipliers { of_system_time : R; of_wait : R; of_utilisation : R; of_tokens : R; of_kv : R; of_rows : list R }.
Definition paid (x : R) (limit : option R) := match limit with Some _ => x | None => 0 end.
Definition charge (x : R) (limit : option R) := match limit with Some most => x * most | None => 0 end.

(* of each type: its prices, where its least value is, the multiplier of its least accuracy, sum of chi a over the rows, and
   the point u of the tangent l^2 / 2 >= u l - u^2 / 2 *)
Record offer := Offer { prices : price; at_ : corner; zeta : R; tilt : R; u : R }.

(* what the rows add up to with their multipliers, type by type; and their limits *)
Fixpoint added (xs ys : list R) : list R :=
  match xs, ys with x :: xs, y :: ys => x + y :: added xs ys | [], ys => ys | xs, [] => xs end.
Fixpoint tilts {X} (of : list X) (chi : list R) (rs : list (list R * R)) : list R :=
  match chi, rs with
  | x :: chi, row :: rs => added (map (Rmult x) (fst row)) (tilts of chi rs)
  | _, _ => map (fun _ => 0) of
  end.
Fixpoint charge_rows (chi : list R) (rs : list (list R * R)) : R :=
  match chi, rs with x :: chi, row :: rs => x * snd row + charge_rows chi rs | _, _ => 0 end.

Definition accuracy_weight T W := match objective T with TradeOff => alpha W | AccuracyAlone => 1 end.
Definition delay_weight T := match objective T with TradeOff => 1 | AccuracyAlone => 0 end.
Definition kv_share W := match server W with OneAtATime => 0 | Shares sigma _ => sigma end.
Definition kv_share0 W := match server W with OneAtATime => 0 | Shares _ sigma0 => sigma0 end.

Section Upper.
Variables (T : targets) (W : workload) (L : form) (M : multipliers) (z0 Z : R).
Definition mu := paid (of_system_time M) (max_system_time T).
Definition nu := paid (of_wait M) (max_wait T).
Definition eta := paid (of_utilisation M) (max_utilisation T).
Definition xi := paid (of_tokens M) (max_tokens T).
Definition phi := paid (of_kv M) (max_kv_tokens T).
Definition phi_limit := charge (of_kv M) (max_kv_tokens T).
Definition e := delay_weight T + mu + nu.
Definition gain k o := accuracy_weight T W * A k + zeta o * A k / prior k.
Definition slope k o := delay_slope L W e nu eta Z k (prices o) + xi + tilt o / prior k
  + lambda W * c k * (phi * (m k + u o) + phi_limit * kv_share W).
Definition fixed k o := delay_fixed L W e nu eta Z k (prices o) + lambda W * phi * (m k * t0 k - c k * u o ^ 2 / 2).
Definition bracket k o := fixed k o + least k (gain k o) (slope k o) (at_ o).
Definition floor_part k (oq : offer * R) := zeta (fst oq) * (A k + D k - snd oq).
Definition charges os :=
  charge (of_system_time M) (max_system_time T) + charge (of_wait M) (max_wait T)
  + charge (of_utilisation M) (max_utilisation T) + charge (of_tokens M) (max_tokens T)
  + phi_limit * (1 - lambda W * kv_share0 W * T0 W) + charge_rows (of_rows M) (rows T)
  + total floor_part (types W) (combine os (least_accuracies T)).
Definition upper_at os :=
  accuracy_weight T W * mean (fun k _ => A k + D k) W os - delay_constant L W e z0 Z + charges os - mean bracket W os.
Definition holds_at os :=
  Forall2 (fun k o => 0 <= zeta o /\ least_holds k (gain k o) (slope k o) (at_ o)) (types W) os.
End Upper.

Definition Z_of L W z0 os := coupling L W z0 (map prices os).
Definition upper T W L M z0 os := upper_at T W L M z0 (Z_of L W z0 os) os.
Definition not_negative M :=
  0 <= of_system_time M /\ 0 <= of_wait M /\ 0 <= of_utilisation M /\ 0 <= of_tokens M /\ 0 <= of_kv M /\
  Forall (fun x => 0 <= x) (of_rows M).
Definition holds T W L M z0 os :=
  not_negative M /\ map tilt os = tilts os (of_rows M) (rows T) /\ holds_at T W L M (Z_of L W z0 os) os.

(* lemmas *)

Lemma paid_positive : forall x limit, 0 <= x -> 0 <= paid x limit.
Proof. destruct limit; simpl; lra. Qed.

Lemma charged : forall x value limit, 0 <= x -> at_most value limit -> paid x limit * value <= charge x limit.
Proof. destruct limit; simpl; intros; nra. Qed.

Lemma dot_added : forall xs ys ls, dot (added xs ys) ls = dot xs ls + dot ys ls.
Proof. induction xs; destruct ys, ls; simpl; try lra. rewrite IHxs. lra. Qed.

Lemma dot_scaled : forall x xs ls, dot (map (Rmult x) xs) ls = x * dot xs ls.
Proof. induction xs; destruct ls; simpl; try lra. rewrite IHxs. lra. Qed.

Lemma dot_zero : forall X (xs : list X) ls, dot (map (fun _ => 0) xs) ls = 0.
Proof. induction xs; destruct ls; simpl; try lra. rewrite IHxs. lra. Qed.

Lemma rows_charged : forall X (of : list X) chi rs ls, Forall (fun x => 0 <= x) chi ->
  Forall (fun '(a, limit) => dot a ls <= limit) rs -> dot (tilts of chi rs) ls <= charge_rows chi rs.
Proof.
  induction chi; destruct rs as [|[row limit] rs]; simpl; intros ls Hc Hr; rewrite ?dot_zero; try lra. rewrite dot_added, dot_scaled.
  inversion Hc; inversion Hr; subst. specialize (IHchi rs ls H2 H6). simpl in *. nra.
Qed.

Lemma dot_total : forall os (ks : list type) ls, length os = length ls -> length ks = length ls ->
  dot (map tilt os) ls = total (fun k (ol : offer * R) => tilt (fst ol) * snd ol) ks (combine os ls).
Proof.
  induction os; destruct ks, ls; simpl; intros; try discriminate; try lra. rewrite (IHos ks ls) by congruence. reflexivity.
Qed.

(* the row that a limit on the KV tokens is, over y > 0 *)
Lemma kv_row : forall W L ls most, obeys W L -> length (types W) = length ls -> 0 < idle W ls -> kv_tokens W ls <= most ->
  lambda W * mean (fun k l => m k * t0 k + c k * (m k * l + l ^ 2 / 2)) W ls
    <= most * (1 - lambda W * (kv_share0 W * T0 W + kv_share W * thinking W ls)).
Proof.
  intros W L ls most Ho E Hy H. unfold kv_tokens in H.
  set (held := lambda W * mean _ W ls) in *. unfold kv_share, kv_share0, idle, utilisation in *. destruct (server W).
  - apply Rle_trans with (held / 1); [right; field|]. lra.
  - set (y := 1 - lambda W * (sigma0 * T0 W + sigma * thinking W ls)) in *.
    replace held with (held / y * y) by (field; lra). apply Rmult_le_compat_r; lra.
Qed.

Lemma accuracy_parts : forall X W (os : list X) ls, length (types W) = length os -> length (types W) = length ls ->
  mean accuracy W ls = mean (fun k _ => A k + D k) W os
    - total (fun k x => prior k * (A k * exp (- b k * snd x))) (types W) (combine os ls).
Proof.
  intros X W os ls Eo El. assert (E : length os = length ls) by congruence. unfold mean.
  rewrite (total_fst _ _ _ _ os ls E), (total_snd _ _ _ _ os ls E). set (xs := combine os ls).
  match goal with |- _ = ?a - ?b => replace (a - b) with (1 * a + -1 * b) by ring end. rewrite total_sum.
  apply total_eq. intros k [p l]; simpl. unfold accuracy. ring.
Qed.

Lemma objective_parts : forall T W ls, J_of T W ls = accuracy_weight T W * mean accuracy W ls - delay_weight T * system_time W ls.
Proof. intros T W ls. unfold J_of, accuracy_weight, delay_weight, J. destruct (objective T); ring. Qed.

Lemma proper_priors : forall W, proper W -> Forall (fun k => 0 < prior k) (types W).
Proof. intros W (H & _). eapply Forall_impl; [|exact H]. simpl. tauto. Qed.

Lemma floors_charged : forall (ks : list type) (os : list offer) (qs ls : list R), Forall2 (fun _ o => 0 <= zeta o) ks os ->
  Forall2 (fun k '(q, l) => q <= accuracy k l) ks (combine qs ls) ->
  total (fun k x => zeta (fst x) * (A k * exp (- b k * snd x))) ks (combine os ls) <= total floor_part ks (combine os qs).
Proof.
  induction ks; intros os qs ls Ho H; destruct qs as [|q qs], ls as [|l ls]; inversion Ho; inversion H; subst; simpl; try lra.
  specialize (IHks _ _ _ H4 H10). unfold floor_part at 1. cbn [fst snd]. unfold accuracy in H8. nra.
Qed.

Lemma total_map : forall X Y (g : X -> Y) (f : type -> Y -> R) ks xs, total f ks (map g xs) = total (fun k x => f k (g x)) ks xs.
Proof. induction ks; destruct xs; simpl; intros; [reflexivity..|]. rewrite IHks. reflexivity. Qed.

Lemma combine_map : forall X Y Z' (g : X -> Y) (xs : list X) (ls : list Z'), combine (map g xs) ls = map (fun x => (g (fst x), snd x)) (combine xs ls).
Proof. induction xs; destruct ls; simpl; intros; [reflexivity..|]. rewrite IHxs. reflexivity. Qed.

(* -J is at least a constant and a sum of curves, one a type *)
Definition curve T W L M Z k (x : offer * R) :=
  fixed T W L M Z k (fst x) + (gain T W k (fst x) * exp (- b k * snd x) + slope T W L M Z k (fst x) * snd x).

Theorem separated : forall T W L M z0 os ls, proper W -> obeys W L -> not_negative M -> Forall (fun o => 0 <= zeta o) os ->
  map tilt os = tilts os (of_rows M) (rows T) -> length (types W) = length os -> feasible W ls -> meets T W ls ->
  J_of T W ls <= accuracy_weight T W * mean (fun k _ => A k + D k) W os - delay_constant L W (e T M) z0 (Z_of L W z0 os)
    + charges T W M os - mean (curve T W L M (Z_of L W z0 os)) W (combine os ls).
Proof.
  intros T W L M z0 os ls HW Ho (M1 & M2 & M3 & M4 & M5 & M6) Hzeta Htilt Eo (Hls & Hy) (T1 & T2 & T3 & T4 & T5 & T6 & T7).
  pose proof (proper_priors W HW) as HT. destruct HW as (Hk & Hlam & Halp).
  pose proof (same_length _ _ _ _ _ Hls) as El. assert (E : length os = length ls) by congruence.
  pose proof (rows_charged _ os _ _ _ M6 T7) as C6. rewrite <- Htilt, (dot_total os (types W) ls E El) in C6.
  assert (Hz : Forall2 (fun (_ : type) o => 0 <= zeta o) (types W) os).
  { revert Eo Hzeta. clear. revert os. induction (types W); destruct os; simpl; intros; try discriminate; constructor; inversion Hzeta; auto. }
  pose proof (floors_charged _ _ _ _ Hz T6) as C7.
  pose proof (charged _ _ _ M1 T1) as C1. pose proof (charged _ _ _ M2 T2) as C2.
  pose proof (charged _ _ _ M3 T3) as C3. pose proof (charged _ _ _ M4 T4) as C4.
  pose proof (paid_positive _ (max_system_time T) M1) as P1. pose proof (paid_positive _ (max_wait T) M2) as P2.
  pose proof (paid_positive _ (max_kv_tokens T) M5) as P5.
  fold (mu T M) in *. fold (nu T M) in *. fold (eta T M) in *. fold (xi T M) in *. fold (phi T M) in *.
  assert (He : 0 <= e T M) by (unfold e, delay_weight; destruct (objective T); lra).
  assert (Ep : length (types W) = length (map prices os)) by (rewrite map_length; assumption).
  pose proof (delay_below W L (e T M) (nu T M) (eta T M) z0 (map prices os) ls HT Hlam Ho He Ep El Hy) as HD.
  fold (Z_of L W z0 os) in HD. set (Z := Z_of L W z0 os) in *.
  rewrite combine_map in HD. unfold mean in HD. rewrite total_map in HD. cbn [fst snd] in HD.
  rewrite objective_parts, (accuracy_parts _ W os ls Eo El).
  set (al := accuracy_weight T W) in *. set (xs := combine os ls) in *.
  set (DP := total _ _ xs) in HD. set (EX := total _ _ xs). set (RW := total _ _ xs) in C6. set (FL := total _ _ xs) in C7.
  pose proof (all_types _ _ _ xs Hk ltac:(unfold xs; rewrite combine_length; lia)) as All.
  set (N := mean (fun _ l => l) W ls) in *.
  set (KV := total (fun k x => prior k * (m k * t0 k + c k * (m k * snd x + u (fst x) * snd x - u (fst x) ^ 2 / 2))) (types W) xs).
  (* what the KV tokens are held to *)
  assert (C5 : phi T M * lambda W * KV
    <= phi_limit T M * (1 - lambda W * (kv_share0 W * T0 W + kv_share W * thinking W ls))).
  { unfold phi, phi_limit, paid, charge in *. destruct (max_kv_tokens T) as [most|]; [|lra]. simpl in T5.
    pose proof (kv_row W L ls most Ho El Hy T5) as K.
    rewrite !Rmult_assoc. apply Rmult_le_compat_l; [assumption|]. apply Rle_trans with (2 := K).
    apply Rmult_le_compat_l; [lra|]. unfold KV, mean. rewrite (total_snd _ _ _ _ os ls E). fold xs. apply total_le.
    eapply weaken; [|exact All]. intros k [o l] (Hp & _ & _ & _ & _ & Hc); cbn [fst snd].
    apply Rmult_le_compat_l; [lra|]. apply Rplus_le_compat_l, Rmult_le_compat_l; [lra|].
    pose proof (Rle_0_sqr (l - u o)). unfold Rsqr in *. nra. }
  assert (HC : mean (curve T W L M Z) W xs <= 1 * (1 * DP + al * EX) + 1 * (1 * FL + 1 * (1 * RW + 1 * (xi T M * N +
      1 * (phi T M * lambda W * KV + lambda W * phi_limit T M * kv_share W * thinking W ls))))).
  { unfold DP, EX, FL, RW, N, KV, thinking, mean. rewrite !(total_snd _ _ _ _ os ls E). fold xs. rewrite !total_sum.
    apply total_le. eapply weaken; [|exact All]. intros k [o l] (Hp & _); cbn [fst snd].
    unfold curve, fixed, slope, gain, delay_parts. fold al. cbn [fst snd]. right. clearbody Z. field. lra. }
  unfold charges. unfold wait in C2. fold N in C4.
  unfold e in *. clearbody DP EX FL RW N KV Z al xs. clear - HD HC C1 C2 C3 C4 C5 C6 C7. nra.
Qed.

Lemma curve_above : forall T W L M Z ls os, Forall (fun k => 0 < prior k /\ 0 < A k /\ 0 < b k) (types W) -> 0 < alpha W ->
  holds_at T W L M Z os -> Forall2 (fun k l => 0 <= l <= cap k) (types W) ls ->
  Forall2 (fun k x => prior k * bracket T W L M Z k (fst x) <= prior k * curve T W L M Z k x) (types W) (combine os ls).
Proof.
  intros T W L M Z ls os HT Ha Hos Hls. pose proof (with_types _ _ _ _ _ HT (pair_up _ _ _ _ _ _ _ Hos Hls)) as All.
  eapply weaken; [|exact All]. intros k [o l] ((Hp & HA & Hb) & (Hz & Hh) & Hl); cbn [fst snd] in *.
  unfold bracket, curve. apply Rmult_le_compat_l; [lra|]. apply Rplus_le_compat_l. apply least_below; try assumption.
  unfold gain. assert (0 < accuracy_weight T W) by (unfold accuracy_weight; destruct (objective T); lra).
  assert (0 <= zeta o * A k / prior k).
  { unfold Rdiv. apply Rmult_le_pos; [apply Rmult_le_pos; lra | left; apply Rinv_0_lt_compat; lra]. }
  cbn [fst]. pose proof (Rmult_lt_0_compat _ _ H HA). lra.
Qed.

Theorem bound : forall T W L M z0 os ls, proper W -> obeys W L -> holds T W L M z0 os -> feasible W ls -> meets T W ls ->
  J_of T W ls <= upper T W L M z0 os.
Proof.
  intros T W L M z0 os ls HW Ho (HM & Htilt & Hos) Hf HT. pose proof (same_length _ _ _ _ _ Hos) as Eo.
  assert (Hz : Forall (fun o => 0 <= zeta o) os).
  { clear - Hos. unfold holds_at in Hos. induction Hos; constructor; tauto. }
  apply Rle_trans with (1 := separated T W L M z0 os ls HW Ho HM Hz Htilt Eo Hf HT).
  unfold upper, upper_at. apply Rplus_le_compat_l, Ropp_le_contravar.
  destruct HW as (Hk & _ & Ha). destruct Hf as (Hls & _). unfold mean.
  rewrite (total_fst _ _ (fun k o => prior k * bracket T W L M (Z_of L W z0 os) k o) _ os ls)
    by (rewrite <- Eo; apply (same_length _ _ _ _ _ Hls)).
  apply total_le. apply (curve_above T W L M _ ls os); try assumption. eapply Forall_impl; [|exact Hk]. simpl. tauto.
Qed.

(* without targets *)
Definition no_targets W := Targets TradeOff None None None None None (map (fun _ => 0) (types W)) [].

Lemma meets_none : forall W ls, proper W -> feasible W ls -> meets (no_targets W) W ls.
Proof.
  intros W ls (Hk & _) (Hls & _). unfold meets; simpl. do 5 (split; [exact I|]). split; [|constructor].
  revert Hk Hls. generalize (types W). clear. intros ks Hk Hls. induction Hls; simpl; constructor; inversion Hk; subst; auto.
  destruct H2 as (_ & HA & Hb & HD & _). unfold accuracy.
  assert (exp (- b x * y) <= 1). { rewrite <- exp_0. destruct (Req_dec (b x * y) 0) as [Z|Z].
    - right. f_equal. lra.
    - left. apply exp_increasing. nra. }
  nra.
Qed.
